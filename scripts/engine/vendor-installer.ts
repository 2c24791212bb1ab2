import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { finish, lastWords } from "../command.ts";
import type { Reporter } from "../reporter.ts";
import { findExecutable, isExecutable } from "./search-path.ts";
import { engineVersion } from "./versions.ts";

/** Where Pulumi's makers publish their installer and their plugins. */
export const vendorSite = "https://get.pulumi.com";

/** What a way of getting the engine needs to know. */
export interface Getting {
  readonly env: NodeJS.ProcessEnv;
  readonly reporter: Reporter;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Whether the vendor's site answers, and if not why. curl is asked, for it honours the proxy that the installer's own curl will use. In
 * a network that drops packets it costs 4 s, in one without name service nothing.
 */
export async function vendorProblem(getting: Getting, site: string = vendorSite): Promise<string | undefined> {
  if (findExecutable("curl", getting.env.PATH) === undefined)
    return "curl, which its installer needs, is not installed";
  const asked = await finish(
    [
      "curl",
      "--silent",
      "--show-error",
      "--fail",
      "--head",
      "--location",
      "--connect-timeout",
      "4",
      "--max-time",
      "8",
      "--",
      site,
    ],
    { env: getting.env, signal: getting.signal },
  );
  return asked.code === 0 ? undefined : lastWords(asked, 1);
}

/** Install the pinned engine into `folder` with the vendor's installer. Answers `undefined`, or why it did not work. */
export async function installFromVendor(
  folder: string,
  getting: Getting,
  site: string = vendorSite,
): Promise<string | undefined> {
  const script = await finish(
    [
      "curl",
      "--silent",
      "--show-error",
      "--fail",
      "--location",
      "--connect-timeout",
      "4",
      "--max-time",
      "20",
      "--",
      site,
    ],
    { env: getting.env, signal: getting.signal },
  );
  if (script.code !== 0) return lastWords(script, 1);
  const home = join(folder, "installer");
  await mkdir(home);
  try {
    const installed = await finish(
      ["sh", "-s", "--", "--version", engineVersion, "--install-root", join(home, ".pulumi"), "--no-edit-path"],
      {
        input: script.stdout,
        // A home of its own, so that no profile of the user's is edited.
        env: { ...getting.env, HOME: home },
        cwd: home,
        timeout: 600,
        signal: getting.signal,
        onLine: (line) => getting.reporter.passing(`the vendor's installer: ${line.trim()}`),
      },
    );
    const bin = join(home, ".pulumi", "bin");
    if (installed.code !== 0) return lastWords(installed, 3);
    if (!isExecutable(join(bin, "pulumi"))) return "its installer ended well, but left no pulumi";
    for (const name of await readdir(bin)) await rename(join(bin, name), join(folder, name));
    return undefined;
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
