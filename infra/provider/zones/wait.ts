import { type NameServer, NoAnswer } from "../dns/exchange.ts";
import { NoZone } from "../dns/zone.ts";
import { Failure } from "../failure.ts";
import { type Authorities, askAuthority, authoritiesOf, isTold } from "./authorities.ts";
import { pause } from "./pause.ts";
import type { ZoneContext } from "./zone.ts";

/** Who waits, and how. */
export interface Waiting extends ZoneContext {
  /** The zone's, for messages. */
  readonly title: string;
  /**
   * Seconds between two messages that say who is waited for.
   * @default 10
   */
  readonly every?: number;
  /**
   * Seconds between two rounds of questions.
   * @default 1
   */
  readonly round?: number;
}

/** Waits until every authoritative server of a name's zone has a TXT value there, whatever else it has beside it. */
export async function waitForValue(waiting: Waiting, name: string, value: string): Promise<void> {
  await waitForAll(waiting, name, `the value ${value} of TXT`, async (server) => {
    const told = await askAuthority(waiting.exchange, server, name, ["TXT"]);
    if (!isTold(told)) return told.why;
    return told.includes(value) ? undefined : `lacks it${others(told)}`;
  });
}

/** Waits until every authoritative server has exactly some addresses at a name, in the form and order of `addressesOf`. */
export async function waitForAddresses(waiting: Waiting, name: string, addresses: readonly string[]): Promise<void> {
  const what = addresses.length === 0 ? "the removal of all addresses" : `the addresses ${addresses.join(" and ")}`;
  await waitForAll(waiting, name, what, async (server) => {
    const told = await askAuthority(waiting.exchange, server, name, ["A", "AAAA"]);
    if (!isTold(told)) return told.why;
    return told.join() === addresses.join() ? undefined : `has ${told.join(" and ") || "none"}`;
  });
}

const others = (told: readonly string[]) => (told.length === 0 ? "" : ` (and has ${told.length} other)`);

/** What a server lacks, in a few words; `undefined`: nothing. */
type Lacking = (server: NameServer) => Promise<string | undefined>;

/** @param what Is waited for, for messages: `the value x of TXT`. */
async function waitForAll(waiting: Waiting, name: string, what: string, lacking: Lacking): Promise<void> {
  const { title, say, signal, patience = 300, every = 10, round = 1 } = waiting;
  const began = performance.now();
  let found: Authorities | undefined;
  for (let told = 0; ; await pause(round, title, signal)) {
    const known: Authorities | string = found ?? (await lookForServers(waiting, name));
    // Asked for again while any is nowhere: it may only have been a resolver's silence.
    if (found === undefined && typeof known !== "string" && known.nowhere.length === 0) {
      found = known;
      for (const server of known.outOfReach) {
        say("warning", `${title}: ${server} has no address that can be reached from here, and is not waited for`);
      }
    }
    const missing = typeof known === "string" ? [known] : await lackingServers(known, lacking);
    if (missing.length === 0) return;
    const seconds = (performance.now() - began) / 1000;
    if (seconds >= patience) throw late(title, name, what, seconds, missing);
    if (seconds - told < every) continue;
    told = seconds;
    say("info", `${title}: ${Math.round(seconds)} s so far for ${what} at ${name}; ${missing.join("; ")}`);
  }
}

async function lookForServers(waiting: Waiting, name: string): Promise<Authorities | string> {
  try {
    return await authoritiesOf(waiting, name);
  } catch (error) {
    if (error instanceof NoZone || error instanceof NoAnswer) return error.message;
    throw error;
  }
}

async function lackingServers({ zone, asked, nowhere }: Authorities, lacking: Lacking): Promise<string[]> {
  const answers = await Promise.all(
    asked.map(async (server) => {
      const what = await lacking(server);
      return what === undefined ? [] : [`${server.label} ${what}`];
    }),
  );
  const none = asked.length + nowhere.length === 0 ? [`no name server of ${zone} can be reached from here`] : [];
  return [...none, ...nowhere.map((name) => `${name} has no address`), ...answers.flat()];
}

function late(title: string, name: string, what: string, seconds: number, missing: readonly string[]): Failure {
  return new Failure({
    what: `${title}: waited ${Math.round(seconds)} s in vain for ${what} at ${name}`,
    why: missing.join("\n"),
    remedy:
      "A certificate authority may ask any of them. See that these servers get the zone from its primary, or take one that is gone out of the zone's NS records; then run the update again.",
  });
}
