import { join } from "node:path";
import { parseArgs } from "node:util";
import { namespace } from "../infra/settings.ts";
import { defaultLab, type LabStatus, upLab } from "../lab/lab.ts";
import { cacheFolder, runFolder } from "../lab/places.ts";
import { labSettings, labStacks } from "../lab/settings.ts";
import type { ServerName } from "../lab/status.ts";
import { ensureActionsPlugin } from "./engine/actions-plugin.ts";
import { describeOrigin } from "./engine/description.ts";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment } from "./engine/environment.ts";
import { runMain, type Surroundings } from "./main.ts";
import { describeSeconds, type Reporter } from "./reporter.ts";
import { notBegun, type UpdateState } from "./start/engine-events.ts";
import {
  initStacks,
  type LabStacks,
  openLabStacks,
  readPace,
  update,
  writeConfiguration,
  writePace,
} from "./start/lab-stack.ts";
import { lookFromOutside } from "./start/look-from-outside.ts";
import { findWrong, type OpenTo } from "./start/outside-view.ts";
import { requireRoot } from "./start/root.ts";
import { describeNext, describeOutcome, type Outcome } from "./start/summary.ts";
import { describeUpdates, type Underway } from "./start/update-progress.ts";

const usage = `Usage: npm start [-- --name NAME]

Sets everything up, boots the lab (three bare servers and the vendor's host), updates dev, test and prod with Pulumi, looks at them from
outside, and says how it went. Said again, it changes only what differs.

  --name NAME   which lab, default "${defaultLab}"
`;

await runMain(usage, async (surroundings) => {
  const { values } = parseArgs({
    args: [...surroundings.args],
    options: { name: { type: "string", default: defaultLab } },
  });
  requireRoot(process.geteuid?.());
  const { reporter, signal } = surroundings;
  const started = Date.now();
  const environment = await setUp(surroundings);
  const lab = await upLab({ name: values.name, signal, progress: (line) => reporter.line(line) });
  const stacks = await openLabStacks(join(runFolder(lab.name), "pulumi"), environment);
  const outcomes = await updateAll(lab, stacks, reporter, signal);
  for (const outcome of outcomes) process.stdout.write(`\n${describeOutcome(outcome)}\n`);
  const good = outcomes.every(({ state, wrong }) => state.errors.length === 0 && wrong.length === 0);
  const took = describeSeconds((Date.now() - started) / 1000);
  process.stdout.write(`\nAll of it took ${took}.\n\n${describeNext(lab.name, good)}\n`);
  return good ? 0 : 1;
});

/** The engine and its plugins, with a Pulumi home of the labs' own: nothing here touches the user's stacks and log-ins. */
async function setUp({ env, reporter, signal }: Surroundings): Promise<NodeJS.ProcessEnv> {
  const home = { ...env, PULUMI_HOME: join(cacheFolder(env), "pulumi-home") };
  const engine = await ensureEngine({ env: home, reporter, signal });
  const environment = engineEnvironment(engine, home);
  const plugin = await ensureActionsPlugin({ env: environment, reporter, signal });
  const actions = plugin === "official" ? "the official plugin" : "the project's stand-in";
  reporter.line(`Pulumi ${engine.version} (${describeOrigin(engine)}), @pulumi/command by ${actions}`);
  return environment;
}

/**
 * Update all environments side by side, with one line of progress for all. Three stacks of 30 resources with nothing to do took 4.4 to
 * 5.7 s so on two cores, and 6.5 to 7.9 s in turn.
 */
async function updateAll(
  lab: LabStatus,
  stacks: LabStacks,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Outcome[]> {
  const names = Object.keys(labStacks) as ServerName[];
  for (const name of names) await writeConfiguration(stacks, name, labSettings(lab, labStacks[name]));
  await initStacks(stacks, names, signal);
  reporter.line(`updating ${names.join(", ")}`);
  const underway = new Map<ServerName, Underway>();
  const ticking = setInterval(() => reporter.passing(describeUpdates([...underway.values()])), 500);
  try {
    return await Promise.all(names.map((name) => updateOne(name, lab, stacks, underway, reporter, signal)));
  } finally {
    clearInterval(ticking);
    reporter.clear();
  }
}

async function updateOne(
  name: ServerName,
  lab: LabStatus,
  stacks: LabStacks,
  underway: Map<ServerName, Underway>,
  reporter: Reporter,
  signal: AbortSignal,
): Promise<Outcome> {
  const started = Date.now();
  const elapsed = () => (Date.now() - started) / 1000;
  const pace = await readPace(stacks, name);
  const note = (state: UpdateState, ended: boolean) =>
    underway.set(name, { name, state, elapsed: elapsed(), pace, ended });
  note(notBegun, false);
  const ticking = setInterval(() => note(underway.get(name)?.state ?? notBegun, false), 500);
  const state = await update(stacks, name, signal, (state) => note(state, false)).finally(() => clearInterval(ticking));
  note(state, true);
  const seconds = elapsed();
  const failed = state.errors.length > 0;
  reporter.line(`${name} ${failed ? "failed" : "is up to date"} after ${describeSeconds(seconds)}`);
  const changes = Object.values(state.changes).reduce((sum, names) => sum + names.length, 0);
  if (!failed) await writePace(stacks, name, { resources: state.done, changes, seconds, of: "last time" });
  const server = lab.machines.find((machine) => machine.name === name);
  const open = labSettings(lab, labStacks[name])[`${namespace}:firewall`] as OpenTo;
  const views = server === undefined || failed ? [] : await lookFromOutside(lab, server);
  return {
    name,
    addresses: server === undefined ? [] : [server.addresses.v4, server.addresses.v6],
    state,
    seconds,
    open,
    wrong: views.flatMap((view) => findWrong(open, view)),
    compared: views.reduce((sum, { answers }) => sum + answers.size, 0),
  };
}
