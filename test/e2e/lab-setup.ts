import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { downLab, type LabStatus, upLab } from "../../lab/lab.ts";
import { cacheFolder } from "../../lab/places.ts";
import { ensureActionsPlugin } from "../../scripts/engine/actions-plugin.ts";
import { ensureEngine } from "../../scripts/engine/engine.ts";
import { engineEnvironment } from "../../scripts/engine/environment.ts";
import { Reporter } from "../../scripts/reporter.ts";
import { labsOfRun, removeLeftLabs } from "../../scripts/test-labs.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The labs of this run, one for each worker; `lab()` in on-lab.ts chooses. */
    labs: LabStatus[];
    /** The environment to call `pulumi` with, Node 24 and a Pulumi home of the labs included: `inject("engine")`. */
    engine: Record<string, string>;
  }
}

/** Bring up the engine and the labs for the end-to-end tests; the function it returns takes the labs down. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const reporter = new Reporter();
  await removeLeftLabs(reporter);
  const home = { ...process.env, PULUMI_HOME: join(cacheFolder(), "pulumi-home") };
  const env = engineEnvironment(await ensureEngine({ env: home, reporter }), home);
  await ensureActionsPlugin({ env, reporter });
  project.provide(
    "engine",
    Object.fromEntries(Object.entries(env).filter((entry) => entry[1] !== undefined)) as Record<string, string>,
  );
  // Whoever writes tests keeps a lab running: `npm run lab -- up --name mine`, then ONPREM_LAB=mine.
  const kept = process.env.ONPREM_LAB || undefined;
  const names = kept === undefined ? labsOfRun(process.pid) : [kept];
  const down = async () => {
    if (kept === undefined) for (const name of names) await downLab(name, { forget: true });
  };
  try {
    const labs: LabStatus[] = [];
    for (const name of names) labs.push(await upLab({ name }));
    project.provide("labs", labs);
  } catch (error) {
    await down();
    throw error;
  }
  return down;
}
