import { connect } from "../../infra/provider/host/ssh-host.ts";
import { sourceAddress } from "../../infra/provider/source-address.ts";
import type { Settings } from "../../infra/settings.ts";
import { stackSettings } from "../documents/stack-settings.ts";
import type { Surroundings } from "../main.ts";
import { type Answer, type Check, checksOf } from "./checks.ts";
import { connectionOf } from "./connection.ts";
import { tryFromHere } from "./from-here.ts";
import { tryFromServer } from "./from-server.ts";
import { askListeners, type Listener, listensFor } from "./listening.ts";
import type { StackFile } from "./stack-file.ts";
import { judge, line, summary, untriedLine, type Verdict } from "./verdict.ts";

/** Tries the connections of the firewall request, from here and from the server, and tells. Gives the exit code. */
export async function verifyNetwork(
  { stack, text, name }: StackFile,
  { json }: { readonly json: boolean },
  surroundings: Surroundings,
): Promise<number> {
  const settings = stackSettings(stack, text, name);
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
