import { spawn } from "node:child_process";
import { constants } from "node:os";
import { LaunchError } from "./launch-error.mjs";

/**
 * Run a program in our place until it ends: its terminal is ours, signals sent to us reach it, and its exit code is ours.
 * @param {string[]} words program and arguments
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<number>} its exit code, 128 + N after signal N as a shell says it
 */
export function runToEnd([program = "", ...args], env) {
  const child = spawn(program, args, { stdio: "inherit", env });
  // A terminal sends Ctrl-C to the child as well; sent twice, it means "at once, without cleaning up" to Pulumi.
  const onTerminal = process.stdin.isTTY || process.stderr.isTTY;
  /** @type {NodeJS.Signals[]} */
  const signals = ["SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT"];
  for (const signal of signals) {
    process.on(signal, () => {
      if (!(onTerminal && (signal === "SIGINT" || signal === "SIGQUIT"))) child.kill(signal);
    });
  }
  return new Promise((resolve, reject) => {
    child.on("error", (cause) =>
      reject(
        new LaunchError(`${program} could not be started`, cause.message, "delete node_modules and run this again"),
      ),
    );
    child.on("exit", (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
  });
}
