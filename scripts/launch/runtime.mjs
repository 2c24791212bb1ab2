import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { LaunchError } from "./launch-error.mjs";

/** The oldest Node that can start us; the scripts themselves run on {@link scriptNode}. */
export const oldestNode = 20;

/** The Node whose type stripping runs the scripts and the Pulumi program as they are. */
export const scriptNode = 24;

/** @param {string} version for example "20.20.2" */
export function refuseOldNode(version) {
  if (majorOf(version) >= oldestNode) return;
  throw new LaunchError(
    `Node ${version} is too old`,
    `this project starts with Node ${oldestNode} or newer, and brings its own Node ${scriptNode} from there`,
    `install Node ${oldestNode} or newer`,
  );
}

/** @param {NodeJS.Platform} platform */
export function refusePlatform(platform) {
  if (platform === "linux" || platform === "darwin") return;
  throw new LaunchError(
    `this project does not run on ${platform}`,
    "its scripts, its provider and its lab are made for Linux; all but the lab run on macOS too",
    platform === "win32" ? "use Debian or Ubuntu in WSL 2" : "use a Debian or Ubuntu machine",
  );
}

/**
 * Path of a Node that runs the scripts: the project's own, which npm has for Linux on x64 and arm64, else the user's if it is new enough.
 * @param {string} binaries the folder node_modules/.bin
 * @param {{ execPath: string, versions: { node: string }, platform: string, arch: string }} user the Node that runs this
 */
export function findNode(binaries, user) {
  const own = join(binaries, "node");
  if (existsSync(own) && spawnSync(own, ["--version"]).status === 0) return own;
  if (majorOf(user.versions.node) >= scriptNode) return user.execPath;
  throw new LaunchError(
    `there is no Node ${scriptNode} to run the scripts with`,
    `npm has one for glibc Linux on x64 and arm64; this is ${user.platform} on ${user.arch} with Node ${user.versions.node}`,
    `install Node ${scriptNode} or newer, then run the same command again`,
  );
}

/** @param {string} version */
function majorOf(version) {
  return Number.parseInt(version, 10);
}
