import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { finish, lastWords, type Words } from "../command.ts";
import { projectFolder } from "../engine/environment.ts";
import { ScriptError } from "../script-error.ts";
import { type Part, part } from "./parts.ts";
import type { Bench, Call } from "./peer.ts";

/** The starts of programs that are in the whole run, each alone. */
export async function programStarts(bench: Bench, floorCall: Call): Promise<Part[]> {
  const node = (...words: string[]) =>
    clocked(bench, ["node", "--disable-warning=ExperimentalWarning", ...words], { cwd: projectFolder });
  const resources = ["provider", "file", "directory"].map((name) => `./infra/provider/resources/${name}.ts`);
  const imports = resources.map((path) => `await import("${path}")`).join(";");
  const plugin = `${projectFolder}/infra/provider/pulumi-resource-onprem`;
  return [
    await part("an empty program, the floor", "the whole of `pulumi up`", () =>
      clocked(bench, floorCall.words, { env: floorCall.env, cwd: floorCall.cwd }),
    ),
    await part("`pulumi version`", "the engine's start alone", () => clocked(bench, ["pulumi", "version"])),
    await part("Node starts", "`node -e 0`", () => node("-e", "0")),
    await part("Node with Pulumi's SDK", "`require` of it", () => node("-e", 'require("@pulumi/pulumi")')),
    await part("Node with our program's imports", "`import` of provider, file and directory", () =>
      node("--input-type=module", "-e", imports),
    ),
    await part("one plugin starts", "until it says its port", () => pluginStarts(bench, plugin, 1)),
    await part("three plugins start at once", "until the last says its port", () => pluginStarts(bench, plugin, 3)),
  ];
}

/** Seconds until so many plugins, started together, have all said their port. */
async function pluginStarts(bench: Bench, program: string, count: number): Promise<number> {
  const began = performance.now();
  const children = Array.from({ length: count }, () =>
    spawn(program, [], { env: bench.engineEnv, stdio: ["ignore", "pipe", "ignore"] }),
  );
  try {
    await Promise.all(
      children.map(
        ({ stdout }) =>
          new Promise((resolve, reject) => {
            const lines = createInterface({ input: stdout });
            lines.once("line", resolve);
            lines.once("close", () => reject(new ScriptError("the plugin ended before it said its port")));
          }),
      ),
    );
    return (performance.now() - began) / 1000;
  } finally {
    for (const child of children) child.kill("SIGKILL");
  }
}

/** Seconds of a command from its start to its end. */
async function clocked(bench: Bench, words: Words, options: { env?: NodeJS.ProcessEnv; cwd?: string } = {}) {
  const began = performance.now();
  const ran = await finish(words, { env: bench.engineEnv, signal: bench.signal, ...options });
  if (ran.code !== 0) throw new ScriptError(`${words[0]} failed while it was measured`, lastWords(ran));
  return (performance.now() - began) / 1000;
}
