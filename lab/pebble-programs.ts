import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { checkGo, findGo } from "../scripts/engine/go.ts";
import { goVersion } from "../scripts/engine/versions.ts";
import { run } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { pebbleMends, pebbleModule, writeMended } from "./pebble-mend.ts";
import { labFolder } from "./places.ts";
import type { Progress } from "./status.ts";

/** Pinned in modules/authority. Debian's has neither renewal information (RFC 9773) nor profiles. */
export const pebbleVersion = "2.10.1";

/** A Go module whose go.sum pins every byte of Pebble, with the program that stands in front of it. */
const module = join(import.meta.dirname, "modules", "authority");

/** The words that build both programs into a folder: for any Linux of this machine's processor, as they need no library of it. */
const buildWords = (go: string, from: string, modfile: string, folder: string) =>
  [
    ...[go, "build", "-C", from, "-mod=readonly", "-trimpath", "-buildvcs=false", "-modfile", modfile],
    ...["-ldflags", `-s -w -X main.version=${pebbleVersion}`],
    ...["-o", `${folder}/`, `${pebbleModule}/cmd/pebble`, "./front"],
  ] as const;

const environment = { CGO_ENABLED: "0", GOWORK: "off", GO111MODULE: "on" };

/** Where the programs stand once they are built. */
export function pebbleFolder(): string {
  const sources = ["go.mod", "go.sum", "front/main.go"].map((name) => readFileSync(join(module, name), "utf8"));
  const hash = createHash("sha256")
    .update(JSON.stringify([sources, pebbleMends, buildWords("go", "", "", ""), environment]))
    .digest("hex")
    .slice(0, 12);
  return join(labFolder(), `pebble-${pebbleVersion}-${hash}`);
}

/** Folder with the programs `pebble` and `front`, which are built once for this cache. Takes a quarter of a minute the first time, on two cores. */
export async function pebblePrograms(progress: Progress): Promise<string> {
  const folder = pebbleFolder();
  await mkdir(labFolder(), { recursive: true });
  await withLock(join(labFolder(), "pebble.lock"), progress, async () => {
    if (existsSync(folder)) return;
    const program = findGo(process.env);
    const go = program === undefined ? "there is no Go on this machine" : await checkGo(program, process.env);
    if (typeof go === "string") {
      throw new LabError("the lab's certificate authority could not be built", go, `install Go ${goVersion} or newer`);
    }
    const [temporary, sources] = [`${folder}.building`, `${folder}.sources`];
    const clear = () => Promise.all([temporary, sources].map((one) => rm(one, { recursive: true, force: true })));
    await clear();
    try {
      progress(`building Pebble ${pebbleVersion} with ${go.version}, once for this cache`);
      await mkdir(temporary);
      const modfile = await writeMended(go.program, module, sources, environment);
      await run(buildWords(go.program, module, modfile, temporary), { env: environment });
      await rename(temporary, folder);
    } finally {
      await clear();
    }
  });
  return folder;
}
