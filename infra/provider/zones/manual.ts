import { isIPv6 } from "node:net";
import { NoAnswer } from "../dns/exchange.ts";
import { absolute } from "../dns/names.ts";
import { NoZone } from "../dns/zone.ts";
import { Failure } from "../failure.ts";
import { askAuthority, authoritiesOf, isTold, type SetType } from "./authorities.ts";
import { waitForAddresses, waitForValue } from "./wait.ts";
import type { ManualSettings, VendorZone, ZoneContext } from "./zone.ts";

/** Seconds: a person needs longer than a program, and is told less often. */
const defaults = { patience: 3600, every: 30 };

/** A zone that somebody edits by hand. What is there is what its name servers say. */
export class ManualZone implements VendorZone {
  readonly title: string;
  readonly #context: ZoneContext;
  /** What was said already. */
  readonly #said = new Set<string>();

  constructor({ zone }: ManualSettings, context: ZoneContext) {
    this.title = `by hand (zone ${zone})`;
    this.#context = context;
  }

  async present(name: string, value: string): Promise<void> {
    const there = await this.values(name);
    if (there.includes(value)) return;
    const beside = there.length === 0 ? "" : ", beside those that are there,";
    this.#sayOnce(`set this record${beside} now:\n${txtLine(name, value)}`);
  }

  async wait(name: string, value: string): Promise<void> {
    await waitForValue(this.#waiting, name, value);
  }

  async cleanUp(name: string, value: string): Promise<void> {
    if (!(await this.values(name)).includes(value)) return;
    this.#sayOnce(`this record has served its purpose, and may be removed:\n${txtLine(name, value)}`);
  }

  async values(name: string): Promise<readonly string[]> {
    return this.#seen(name, ["TXT"]);
  }

  async setAddresses(name: string, addresses: readonly string[]): Promise<void> {
    const there = await this.addresses(name);
    const lines = (some: readonly string[]) => some.map((address) => addressLine(name, address)).join("\n");
    const missing = addresses.filter((address) => !there.includes(address));
    const superfluous = there.filter((address) => !addresses.includes(address));
    if (missing.length > 0) this.#sayOnce(`set now:\n${lines(missing)}`);
    if (superfluous.length > 0) this.#sayOnce(`remove now:\n${lines(superfluous)}`);
    await waitForAddresses(this.#waiting, name, addresses);
  }

  async addresses(name: string): Promise<readonly string[]> {
    return this.#seen(name, ["A", "AAAA"]);
  }

  get #waiting() {
    return { ...defaults, ...this.#context, title: this.title };
  }

  #sayOnce(text: string): void {
    if (this.#said.has(text)) return;
    this.#said.add(text);
    this.#context.say("warning", `${this.title}: ${text}`);
  }

  /** What any of the zone's servers has. One that does not answer is waited for when it matters; all of them silent tell nothing. */
  async #seen(name: string, types: readonly SetType[]): Promise<readonly string[]> {
    const what = `could not look at ${name} (${this.title})`;
    const { zone, asked } = await authoritiesOf(this.#context, name).catch((error) => {
      if (!(error instanceof NoZone || error instanceof NoAnswer)) throw error;
      throw new Failure({ what, why: error.message }, { cause: error });
    });
    const answers = await Promise.all(
      asked.map(async (server) => ({
        server,
        told: await askAuthority(this.#context.exchange, server, name, types),
      })),
    );
    const told = answers.map((answer) => answer.told).filter(isTold);
    if (told.length > 0) return [...new Set(told.flat())].sort();
    const silent = answers.map(({ server, told }) => `${server.label} ${isTold(told) ? "" : told.why}`);
    throw new Failure({ what, why: silent.join("\n") || `no name server of ${zone} can be reached from here` });
  }
}

function txtLine(name: string, value: string): string {
  return `${absolute(name)} 60 IN TXT ${JSON.stringify(value)}`;
}

function addressLine(name: string, address: string): string {
  return `${absolute(name)} 300 IN ${isIPv6(address) ? "AAAA" : "A"} ${address}`;
}
