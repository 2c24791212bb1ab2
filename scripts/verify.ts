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
import { type Answer, type Check, checksOf } from "./verify/checks.ts";
import { tryFromHere } from "./verify/from-here.ts";
import { tryFromServer } from "./verify/from-server.ts";
import { askListeners, type Listener, listensFor } from "./verify/listening.ts";
import { judge, line, summary, untriedLine, type Verdict } from "./verify/verdict.ts";

const usage = `Usage: npm run verify -- network STACK [options]

Tries the connections of the firewall request (npm run documents), from this machine and from the server, and says which are open,
closed or filtered. What this machine must not reach is tried too; what cannot be tried is named, with the reason. A port that refuses
is "unsure" where that can be a firewall that rejects as well as a server that has nothing there yet. Changes nothing; logs in on the
server with its key file or agent.

  --json              one JSON object on standard output; each check has a verdict: ok, failed or unsure
  --config-file FILE  another file than Pulumi.STACK.yaml

Exit code 0: nothing failed; the last line says what is unsure. 1: something is not as requested. 2: the words are wrong. 3: the server
could not be asked; what this machine sees is told.
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
  const found = await tryFromHere(attemptsOf(here));
  const asked = await askServer(settings, there, surroundings);
  const up = asked.why === undefined || found.includes("open");
  const verdicts = [...judged(here, found, up, asked.listeners), ...judged(there, asked.answers, up)];
  if (json) {
    const written = verdicts.map(({ check, ...rest }) => ({ ...check, ...rest }));
    process.stdout.write(
      `${JSON.stringify({ stack, source, checks: written, untried, unasked: asked.why }, null, 2)}\n`,
    );
  } else {
    const lines = (end: Check["from"]) => [
      ...verdicts.filter(({ check }) => check.from === end).map(line),
      ...untried.filter(({ from }) => from === end).map(untriedLine),
    ];
    const { hostname, host } = settings.server;
    const told = [
      here.length > 0 ? `from this machine (${source}) to ${hostname} (${host})` : `from this machine to ${hostname}`,
      ...lines("here"),
      `from ${hostname} outwards`,
      ...(asked.why === undefined ? [] : [`  not asked: ${asked.why.replaceAll("\n", "\n    ")}`]),
      ...lines("server"),
      summary(verdicts, checks.length - verdicts.length + untried.length),
    ];
    process.stdout.write(`${told.join("\n")}\n`);
  }
  if (asked.why !== undefined) return 3;
  return verdicts.some(({ verdict }) => verdict === "failed") ? 1 : 0;
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

function attemptsOf(checks: readonly Check[]) {
  return checks.map(({ attempt }) => attempt);
}

/** The checks that were answered, each with what that means. */
function judged(
  checks: readonly Check[],
  answers: readonly Answer[],
  up: boolean,
  listeners?: readonly Listener[],
): Verdict[] {
  return answers.flatMap((answer, index) => {
    const check = checks[index];
    if (check === undefined) return [];
    const listens = listeners === undefined ? {} : { listens: listensFor(listeners, check.attempt) };
    return [judge(check, answer, { up, ...listens })];
  });
}

/** What the server sees; or why it could not be asked, which is no reason to keep quiet about the rest. */
async function askServer(
  settings: Settings,
  checks: readonly Check[],
  { signal, reporter, env }: Surroundings,
): Promise<{ answers: readonly Answer[]; listeners?: readonly Listener[]; why?: string }> {
  try {
    const say = (_: string, message: string) => reporter.line(message);
    const host = await connect(connectionOf(settings, env), { say, signal });
    try {
      const [answers, listeners] = await Promise.all([tryFromServer(host, attemptsOf(checks)), askListeners(host)]);
      return { answers, ...(listeners === undefined ? {} : { listeners }) };
    } finally {
      await host.close();
    }
  } catch (error) {
    if (signal.aborted) throw error;
    return { answers: [], why: (error as Error).message };
  }
}

/** How the stack logs in; without root, which trying needs not. Ten seconds are enough for a server that is up. */
function connectionOf({ server }: Settings, env: NodeJS.ProcessEnv): ConnectionSettings {
  const { initial: _, previous: __, address: ___, hostname, jump, ...own } = server;
  const login = (given: typeof own | NonNullable<typeof jump>): ConnectionSettings => {
    if (given.privateKey !== undefined) {
      throw new ScriptError(
        "the server cannot be asked",
        `the private key for ${given.host} is a secret of the configuration, which only pulumi opens`,
        "put the key into an agent, and name that in a copy of the file: --config-file",
      );
    }
    const agent = given.agent === "$SSH_AUTH_SOCK" ? env.SSH_AUTH_SOCK : given.agent;
    const { agent: ____, ...rest } = given;
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
