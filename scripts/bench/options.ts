import { parseArgs } from "node:util";
import { mostLightHosts } from "../../lab/light-hosts.ts";
import { UsageError } from "../script-error.ts";
import { type CaseName, caseNames, type Delay } from "./measurement.ts";
import { type Chosen, parseDelay, parseWork } from "./plan.ts";
import type { Work } from "./work.ts";

/** What one call of the benchmark is asked for. */
export interface Options extends Chosen {
  readonly name: string;
  /** Names of peers; `undefined`: all. */
  readonly peers?: readonly string[] | undefined;
  readonly limit: number;
  readonly budget: number;
  /** Minutes after which no further run of the comparison begins. */
  readonly minutes?: number | undefined;
  readonly growth: boolean;
  /** Numbers of hosts for the growth; `undefined`: the usual ones. */
  readonly hosts?: readonly number[] | undefined;
  readonly breakdown: boolean;
  /** Whether peers are compared at all: not when growth or breakdown alone was asked for. */
  readonly compare: boolean;
  readonly json?: string | undefined;
  /** Files of results to be taken together instead of measuring. */
  readonly from?: readonly string[] | undefined;
  readonly list: boolean;
  readonly write: boolean;
  /** Names that nothing has, each a sentence with what is allowed. The rest still runs. */
  readonly problems: readonly string[];
}

/** Reads the words of a call. Throws {@link UsageError} for an option or a number that makes no sense. */
export function readOptions(args: readonly string[], known: readonly string[], defaultLab: string): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      name: { type: "string", default: defaultLab },
      peers: { type: "string" },
      work: { type: "string" },
      cases: { type: "string" },
      delay: { type: "string" },
      repeat: { type: "string" },
      "time-limit": { type: "string", default: "240" },
      budget: { type: "string", default: "60" },
      all: { type: "boolean", default: false },
      minutes: { type: "string" },
      growth: { type: "boolean", default: false },
      hosts: { type: "string" },
      breakdown: { type: "boolean", default: false },
      json: { type: "string" },
      from: { type: "string" },
      list: { type: "boolean", default: false },
      write: { type: "boolean", default: false },
    },
  });
  const problems: string[] = [];
  const choose = <T>(
    text: string | undefined,
    what: string,
    parse: (word: string) => T | undefined,
    allowed: string,
  ) => {
    if (text === undefined) return undefined;
    const words = text.split(",").filter((word) => word !== "");
    return words.flatMap((word) => {
      const value = parse(word);
      if (value === undefined) problems.push(`there is no ${what} "${word}"; allowed: ${allowed}`);
      return value === undefined ? [] : [value];
    });
  };
  const member =
    <T extends string>(all: readonly T[]) =>
    (word: string) =>
      all.find((one) => one === word);
  const chosen = {
    peers: choose(values.peers, "peer", member(known), known.join(", ")),
    works: choose<Work>(values.work, "work", parseWork, "baseline, or a number of files from 1 to 9999"),
    cases: choose<CaseName>(values.cases, "case", member(caseNames), caseNames.join(", ")),
    delays: choose<Delay>(
      values.delay,
      "delay",
      parseDelay,
      "milliseconds such as 0, 10 or 80, with loss such as 80-loss5",
    ),
  };
  const hosts = choose(values.hosts, "number of hosts", parseHosts, `1 to ${mostLightHosts}`);
  const selects = Object.values(chosen).some((one) => one !== undefined);
  return {
    ...chosen,
    name: values.name,
    repeats: values.repeat === undefined ? undefined : whole("repeat", values.repeat),
    limit: whole("time-limit", values["time-limit"]),
    budget: whole("budget", values.budget),
    minutes: values.minutes === undefined ? undefined : whole("minutes", values.minutes),
    growth: values.growth || values.all,
    hosts: hosts?.sort((a, b) => a - b),
    breakdown: values.breakdown || values.all,
    compare: selects || values.all || !(values.growth || values.breakdown),
    json: values.json,
    from: values.from?.split(","),
    list: values.list,
    write: values.write,
    problems,
  };
}

function parseHosts(text: string): number | undefined {
  const number = /^\d{1,2}$/.test(text) ? Number(text) : 0;
  return number >= 1 && number <= mostLightHosts ? number : undefined;
}

function whole(option: string, text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new UsageError(`--${option} takes a whole number from 1 to 99999, not "${text}"`);
}
