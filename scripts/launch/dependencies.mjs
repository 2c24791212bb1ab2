import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LaunchError } from "./launch-error.mjs";
import { takeLock } from "./pid-lock.mjs";

/**
 * Make node_modules what package-lock.json says. `npm ci` deletes node_modules first, and the note that it is complete is written
 * last, so an interrupted installation is seen and done again.
 * @param {string} project folder
 * @param {(line: string) => void} say
 * @returns {Promise<"installed" | "there">}
 */
export async function installDependencies(project, say) {
  if (isComplete(project)) return "there";
  const release = await takeLock(join(project, ".state", "install-lock"), (pid) =>
    say(`waiting for process ${pid}, which installs the dependencies of this folder`),
  );
  try {
    if (isComplete(project)) return "there"; // another process did it while we waited
    say(
      `installing the packages of package-lock.json${existsSync(join(project, "node_modules")) ? " (they have changed)" : ""}: 10 s to a minute`,
    );
    const started = Date.now();
    const seconds = () => Math.round((Date.now() - started) / 1000);
    const ticking = setInterval(() => say(`still installing packages, ${seconds()} s so far`), 15_000);
    try {
      rmSync(noteFile(project), { force: true });
      await npmCi(project);
    } finally {
      clearInterval(ticking);
    }
    writeFileSync(noteFile(project), wantedNote(project));
    say(`packages installed in ${seconds()} s`);
    return "installed";
  } finally {
    release();
  }
}

/** Whether node_modules holds all of package-lock.json, for this kind of machine. @param {string} project folder */
export function isComplete(project) {
  const note = noteFile(project);
  return existsSync(note) && readFileSync(note, "utf8") === wantedNote(project);
}

/** @param {string} project */
function noteFile(project) {
  return join(project, "node_modules", ".onprem-lock");
}

/** @param {string} project */
function wantedNote(project) {
  const lock = readFileSync(join(project, "package-lock.json"));
  return `${createHash("sha256").update(lock).digest("hex")} ${process.platform} ${process.arch}\n`;
}

/** @param {string} project @returns {Promise<void>} */
function npmCi(project) {
  // Below `npm run`, npm names itself; its standard output is not ours, for a script's result may be read by a program.
  const own = process.env.npm_execpath;
  const [program, ...args] = own?.endsWith(".js") ? [process.execPath, own, "ci"] : ["npm", "ci"];
  const child = spawn(program, [...args, "--loglevel=error"], { cwd: project, stdio: ["ignore", 2, 2] });
  return new Promise((resolve, reject) => {
    child.on("error", (cause) =>
      reject(new LaunchError("npm could not be started", cause.message, "install npm, which comes with Node")),
    );
    child.on("exit", (code, signal) => {
      if (code === 0) return resolve();
      reject(
        new LaunchError(
          "the project's dependencies could not be installed",
          `npm ci ended with ${signal ?? `exit code ${code}`}; its own words are above`,
          "when the network or the disk is put right, run the same command again",
        ),
      );
    });
  });
}
