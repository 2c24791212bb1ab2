import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";
import { LabError } from "./lab-error.ts";

/** Pebble's module, as Go names it. */
export const pebbleModule = "github.com/letsencrypt/pebble/v2";

/** A place in Pebble's sources that is built otherwise. */
export interface Mend {
  readonly file: string;
  readonly has: string;
  readonly wants: string;
}

/** What is built otherwise than Pebble has it, for each would fail a test by chance. */
export const pebbleMends: readonly Mend[] = [
  // It takes an earlier authorization for one order in a hundred more than PEBBLE_AUTHZREUSE says (a number from 0 to 99 that is not more
  // than the percentage), so that "never" would be one in a hundred.
  {
    file: "wfe/wfe.go",
    has: "rand.Intn(100) > wfe.authzReusePercent",
    wants: "rand.Intn(100) >= wfe.authzReusePercent",
  },
  // It keeps a serial number without the zero byte that DER puts before a high first bit, and looks for it with that byte (RFC 9773, section
  // 4.1), so that one certificate in 256 cannot be replaced: of its numbers of 63 bits, those whose first byte is zero.
  {
    file: "core/types.go",
    has: "hex.EncodeToString(serial)",
    wants: "hex.EncodeToString(new(big.Int).SetBytes(serial).Bytes())",
  },
];

/** A source of Pebble's with a mend. Throws {@link LabError} where it does not have what is to be mended exactly once. */
export function mended(source: string, { file, has, wants }: Mend): string {
  const parts = source.split(has);
  if (parts.length === 2) return parts.join(wants);
  const why = `${file} has "${has}" ${parts.length - 1} times`;
  throw new LabError("Pebble could not be mended", why, "look whether its new version still needs lab/pebble-mend.ts");
}

/**
 * Puts Pebble's sources with the mends into a folder of its own, and what `go build -modfile` reads beside them. Go has held what is copied
 * against go.sum.
 *
 * @param go The program.
 * @param module Folder of the Go module that requires Pebble.
 * @returns Path for -modfile.
 */
export async function writeMended(
  go: string,
  module: string,
  folder: string,
  env: Readonly<Record<string, string>>,
): Promise<string> {
  const { Dir } = JSON.parse(await run([go, "mod", "download", "-C", module, "-json", pebbleModule], { env }));
  const [copy, modfile] = [join(folder, "pebble"), join(folder, "go.mod")];
  await mkdir(folder, { recursive: true });
  // What Go keeps is for reading alone, folders too.
  await run(["cp", "-R", "--no-preserve=mode", Dir, copy]);
  for (const mend of pebbleMends) {
    const source = join(copy, mend.file);
    await writeFile(source, mended(await readFile(source, "utf8"), mend));
  }
  for (const name of ["go.mod", "go.sum"]) await copyFile(join(module, name), join(folder, name));
  await run([go, "mod", "edit", "-replace", `${pebbleModule}=${copy}`, modfile], { env });
  return modfile;
}
