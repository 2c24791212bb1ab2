import { type CaseName, caseNames, type Result } from "./measurement.ts";
import { atLeastAt, cellsOf, measureAt, secondsAt, type Where } from "./select.ts";
import type { Work } from "./work.ts";

/** What was aimed at, what was measured, and whether it was reached. */
export interface Aim {
  readonly id: string;
  /** As a sentence. */
  readonly aim: string;
  /** What was measured, with its unit. */
  readonly measured: string;
  /** `undefined`: this result does not tell. */
  readonly met: boolean | undefined;
  /** By how much, or why it is not known. */
  readonly remark: string;
}

const unknown = (id: string, aim: string, why: string): Aim => ({
  id,
  aim,
  measured: "not measured",
  met: undefined,
  remark: why,
});

/** Every aim, held against one result. All ratios are of medians of interleaved runs. */
export function aimsOf(result: Result): Aim[] {
  const nothing = (peer: string, work: Work, delay = "0"): Where => ({ peer, work, delay, case: "nothing" });
  return [
    ratio(result, "floor-20-files", "20 files as single resources, nothing to do: at most 1.5 times the floor", {
      of: nothing("onprem-file", 20),
      to: nothing("floor", 20),
      bound: 1.5,
    }),
    ratio(result, "floor-20-tree", "20 files as one tree, nothing to do: at most 1.5 times the floor", {
      of: nothing("onprem-tree", 20),
      to: nothing("floor", 20),
      bound: 1.5,
    }),
    ratio(result, "pyinfra-600", "600 files as single resources, nothing to do: at most 0.35 times pyinfra", {
      of: nothing("onprem-file", 600),
      to: nothing("pyinfra", 600),
      bound: 0.35,
    }),
    ratio(result, "floor-600-tree", "600 files as one tree, nothing to do: at most 1.5 times the floor", {
      of: nothing("onprem-tree", 600),
      to: nothing("floor", 600),
      bound: 1.5,
    }),
    ...["onprem-file", "onprem-tree"].map((peer) =>
      everywhere(
        result,
        `ansible-${peer}`,
        peer,
        "ansible",
        0.2,
        caseNames,
        `${shortName(peer)}: under a fifth of Ansible everywhere`,
      ),
    ),
    ...["onprem-file", "onprem-tree"].map((peer) =>
      everywhere(
        result,
        `first-${peer}`,
        peer,
        "pyinfra",
        1,
        ["first"],
        `${shortName(peer)}: a first run faster than pyinfra's`,
      ),
    ),
    ...["onprem-file", "onprem-tree"].map((peer) => roundTrips(result, peer)),
    memory(result),
  ];
}

const shortName = (peer: string) => (peer === "onprem-file" ? "single resources" : "one tree");

function ratio(
  result: Result,
  id: string,
  aim: string,
  { of, to, bound }: { of: Where; to: Where; bound: number },
): Aim {
  const [mine, theirs] = [secondsAt(result, of), atLeastAt(result, to)];
  if (mine === undefined || theirs === undefined) return unknown(id, aim, "one of the two was not measured");
  const value = mine.median / theirs.seconds;
  return judged(
    id,
    aim,
    value,
    bound,
    `${mine.median.toFixed(1)} s against ${theirs.bound ? "more than " : ""}${theirs.seconds.toFixed(1)} s`,
  );
}

function judged(id: string, aim: string, value: number, bound: number, detail: string): Aim {
  const met = value <= bound;
  const off = Math.round((value / bound - 1) * 100);
  const remark = met ? `${-off} % below` : `missed by ${off} %`;
  return { id, aim, measured: `${value.toFixed(2)} times (${detail})`, met, remark };
}

/** The worst ratio over all cells and cases in which both were measured. */
function everywhere(
  result: Result,
  id: string,
  peer: string,
  other: string,
  bound: number,
  cases: readonly CaseName[],
  aim: string,
): Aim {
  const found = cellsOf(result).flatMap(({ work, delay }) =>
    cases.flatMap((name) => {
      // A run of ours that was ended counts as its limit: it must not fall out of the comparison.
      const mine = atLeastAt(result, { peer, work, delay, case: name });
      const theirs = atLeastAt(result, { peer: other, work, delay, case: name });
      if (mine === undefined || theirs === undefined) return [];
      const cell = `${work === "baseline" ? "baseline" : `${work} files`}, ${delay} ms, ${name}`;
      return [{ value: mine.seconds / theirs.seconds, cell, bound: theirs.bound }];
    }),
  );
  const worst = [...found].sort((a, b) => b.value - a.value)[0];
  if (worst === undefined) return unknown(id, aim, "there is no case in which both were measured");
  const good = found.filter(({ value }) => value <= bound).length;
  const met = good === found.length;
  const off = Math.round((worst.value / bound - 1) * 100);
  return {
    id,
    aim,
    measured: `at worst ${worst.value.toFixed(2)} times (${worst.cell})`,
    met,
    remark: met ? `in all ${found.length} cases` : `in ${good} of ${found.length} cases; at worst missed by ${off} %`,
  };
}

function roundTrips(result: Result, peer: string): Aim {
  const id = `round-trips-${peer}`;
  const aim = `${shortName(peer)}, 20 files, nothing to do at 80 ms: at most 10 round trips per host above connecting`;
  const where = { peer, work: 20, delay: "80", case: "nothing" } as const;
  const all = measureAt(result, where, ({ roundTrips }) => roundTrips);
  const login = result.breakdown?.roundTrips?.login;
  if (all === undefined) return unknown(id, aim, "the delay of 80 ms was not measured");
  if (login === undefined) return unknown(id, aim, `${all.median} with connecting, whose share --breakdown measures`);
  const above = all.median - login;
  return {
    id,
    aim,
    measured: `${above} (${all.median} less ${login} for TCP, key exchange and log-in)`,
    met: above <= 10,
    remark: above <= 10 ? `${10 - above} below` : `missed by ${above - 10}`,
  };
}

function memory(result: Result): Aim {
  const aim = "600 files x 3 hosts as single resources: under 300 MB for all our processes";
  const where = { peer: "onprem-file", work: 600, delay: "0", case: "nothing" } as const;
  const own = measureAt(result, where, ({ ownMemory }) => ownMemory);
  const all = measureAt(result, where, (measured) => measured.memory);
  if (own === undefined || all === undefined) return unknown("memory", aim, "600 files were not measured");
  const [mine, whole] = [own.median / 1e6, all.median / 1e6];
  return {
    id: "memory",
    aim,
    measured: `${mine.toFixed(0)} MB for program and plugins (${whole.toFixed(0)} MB with Pulumi's engine)`,
    met: mine < 300,
    remark: mine < 300 ? `${(300 - mine).toFixed(0)} MB below` : `missed by ${(mine - 300).toFixed(0)} MB`,
  };
}
