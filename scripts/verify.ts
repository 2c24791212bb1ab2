import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import type { ConnectionSettings } from "../infra/provider/host/settings.ts";
import { sourceAddress } from "../infra/provider/host/source-address.ts";
import { connect } from "../infra/provider/host/ssh-host.ts";
import type { Settings } from "../infra/settings.ts";
import { stackSettings } from "./documents/stack-settings.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain, type Surroundings } from "./main.ts";
import { ScriptError, UsageError } from "./script-error.ts";
import { checksOf } from "./verify/checks.ts";
import { tryFromHere } from "./verify/from-here.ts";
import { tryFromServer } from "./verify/from-server.ts";
import { judge, line, type Verdict } from "./verify/verdict.ts";

const usage = `Usage: npm run verify -- network STACK [options]

Tries every connection of the firewall request (npm run documents), from this machine and from the server, and says which are open,
closed or filtered. What this machine must not reach is tried too. Changes nothing; logs in on the server with its key file or agent.

  --json              one JSON object on standard output
  --config-file FILE  another file than Pulumi.STACK.yaml

Exit code 0: all as requested. 1: something is not. 2: the words are wrong. 3: the server could not be asked; what this machine sees is told.
`;

await runMain(usage, async (surroundings) => {
  const { stack, file, json } = readArguments(surroundings.args);
  const text = await readFile(file, "utf8").catch((cause) => {
    throw new ScriptError(`the stack ${stack} could not be read`, (cause as Error).message, undefined, cause);
  });
  const settings = stackSettings(stack, text, basename(file));
  const source = await sourceAddress(settings.server.host);
  const { checks, untried } = checksOf(settings, source);
  const here = checks.filter(({ from }) => from === "here");
  const there = checks.filter(({ from }) => from === "server");
  const fromHere = judged(here, await tryFromHere(here.map(({ attempt }) => attempt)));
  const asked = await askServer(settings, there, surroundings);
  const verdicts = [...fromHere, ...asked.verdicts];
  const failed = verdicts.filter(({ holds }) => !holds);
  if (json) {
    const found = verdicts.map(({ check, ...rest }) => ({ ...check, ...rest }));
    process.stdout.write(`${JSON.stringify({ stack, source, checks: found, untried, unasked: asked.why }, null, 2)}\n`);
  } else {
    const lines = [
      `from this machine (${source ?? "no route"}) to ${settings.server.hostname} (${settings.server.host})`,
      ...fromHere.map(line),
      `from ${settings.server.hostname} outwards`,
      ...(asked.why === undefined
        ? asked.verdicts.map(line)
        : [`  not asked: ${asked.why.replaceAll("\n", "\n    ")}`]),
      ...untried.map(({ name, what, why }) => `  untried ${name.padEnd(10)}  ${what.padEnd(28)}  ${why}`),
      summary(verdicts.length, failed.length, untried.length),
    ];
    process.stdout.write(`${lines.join("\n")}\n`);
  }
  if (asked.why !== undefined) return 3;
  return failed.length === 0 ? 0 : 1;
});

function readArguments(args: readonly string[]): { stack: string; file: string; json: boolean } {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, "config-file": { type: "string" } },
  });
  const [what, given, ...more] = positionals;
  if (what !== "network")
    throw new UsageError(`say what to verify: network${what === undefined ? "" : `, not "${what}"`}`);
  const stack = given?.split("/").at(-1);
  if (stack === undefined || more.length > 0) throw new UsageError("name one stack");
  const file = values["config-file"] ?? join(projectFolder, `Pulumi.${stack}.yaml`);
  return { stack, file: resolve(file), json: values.json };
}

function judged(checks: Parameters<typeof judge>[0][], answers: readonly Parameters<typeof judge>[1][]): Verdict[] {
  return checks.map((check, index) => judge(check, answers[index] ?? "silent"));
}

/** What the server sees; or why it could not be asked, which is no reason to keep quiet about the rest. */
async function askServer(
  settings: Settings,
  checks: Parameters<typeof judge>[0][],
  { signal, reporter, env }: Surroundings,
): Promise<{ verdicts: Verdict[]; why?: string }> {
  try {
    const say = (_: string, message: string) => reporter.line(message);
    const host = await connect(connectionOf(settings, env), { say, signal });
    try {
      return {
        verdicts: judged(
          checks,
          await tryFromServer(
            host,
            checks.map(({ attempt }) => attempt),
          ),
        ),
      };
    } finally {
      await host.close();
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return { verdicts: [], why: (error as Error).message };
  }
}

/** How the stack logs in; without root, which trying needs not. Ten seconds are enough for a server that is up. */
function connectionOf({ server }: Settings, env: NodeJS.ProcessEnv): ConnectionSettings {
  const { initial: _, previous: __, hostname, jump, ...own } = server;
  const login = (given: typeof own | NonNullable<typeof jump>): ConnectionSettings => {
    if (given.privateKey !== undefined) {
      throw new ScriptError(
        "the server cannot be asked",
        `the private key for ${given.host} is a secret of the configuration, which only pulumi opens`,
        "put the key into an agent, and name that in a copy of the file: --config-file",
      );
    }
    const agent = given.agent === "$SSH_AUTH_SOCK" ? env.SSH_AUTH_SOCK : given.agent;
    const { agent: ___, ...rest } = given;
    return { ...rest, ...(agent === undefined ? {} : { agent }) };
  };
  return {
    ...login(own),
    name: hostname,
    privileged: false,
    dialTimeout: 10,
    ...(jump === undefined ? {} : { jump: { ...login(jump), privileged: false } }),
  };
}

function summary(all: number, failed: number, untried: number): string {
  const rest = untried === 0 ? "" : `; ${untried} could not be tried`;
  return failed === 0 ? `all ${all} as requested${rest}` : `${failed} of ${all} not as requested${rest}`;
}
