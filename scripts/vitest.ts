import { spawn } from "node:child_process";
import { join } from "node:path";
import { projectFolder } from "./engine/environment.ts";

/**
 * Run vitest on this terminal, once and without watching; answers its exit code. After Ctrl-C its teardown runs to the end.
 *
 * @param output Where what it says goes: to standard error where standard output is for a result.
 */
export function runVitest(
  args: readonly string[],
  signal: AbortSignal,
  output: "stdout" | "stderr" = "stdout",
): Promise<number> {
  const program = join(projectFolder, "node_modules", "vitest", "vitest.mjs");
  const child = spawn(process.execPath, [program, "run", ...args], {
    cwd: projectFolder,
    stdio: ["inherit", output === "stdout" ? 1 : 2, 2],
  });
  // A terminal interrupts vitest too; a signal that was sent to us alone has to be handed on.
  const onTerminal = process.stdin.isTTY || process.stderr.isTTY;
  signal.addEventListener("abort", () => !onTerminal && child.kill("SIGINT"));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}
