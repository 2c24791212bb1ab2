import type { Measured } from "../../../scripts/bench/measured-run.ts";
import type { Result, Run } from "../../../scripts/bench/measurement.ts";

/** A measurement with numbers that are easy to follow. */
export function measured(changes: Partial<Measured> = {}): Measured {
  return {
    seconds: 1,
    cpu: 2,
    hostCpu: 0.5,
    memory: 400e6,
    ownMemory: 250e6,
    processes: 3,
    bytesToHost: 20_000,
    bytesFromHost: 10_000,
    connections: 1,
    ...changes,
  };
}

/** A run with nothing to do on 20 files, unless told otherwise. */
export function run(peer: string, seconds: number, changes: Partial<Run> = {}, more: Partial<Measured> = {}): Run {
  const base = { peer, work: 20, delay: "0", case: "nothing", repeat: 1, outcome: "done", seconds } as const;
  return { ...base, measured: measured({ seconds, ...more }), ...changes };
}

/** A whole result of some runs. */
export function result(runs: readonly Run[], changes: Partial<Result> = {}): Result {
  const names = [...new Set(runs.map(({ peer }) => peer))];
  return {
    begun: "2026-01-02T03:04:05.000Z",
    commit: "abc1234",
    command: "npm run bench",
    bounds: { limit: 240, budget: 60 },
    machine: {
      processor: "Some CPU",
      cores: 2,
      memory: 24 * 2 ** 30,
      kernel: "6.1.0",
      system: "Debian GNU/Linux 12",
      node: "v24.0.0",
      load: 0.1,
    },
    peers: Object.fromEntries(names.map((name) => [name, { title: `the ${name}`, version: "1", setup: "as it is." }])),
    missing: {},
    runs,
    skipped: [],
    took: 61,
    ...changes,
  };
}
