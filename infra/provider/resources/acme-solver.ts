import type { Solver } from "../acme/order.ts";
import { exchangeFromHere, type NameServer } from "../dns/exchange.ts";
import { waitOutside } from "../dns/seen-outside.ts";
import type { ActContext } from "../step.ts";
import type { VendorZone } from "../zones/zone.ts";
import type { OrderNote } from "./acme-certificate-texts.ts";
import type { NotedOrder } from "./acme-notes.ts";

/** What a solver works with. */
export interface Surroundings extends Pick<ActContext, "say" | "signal"> {
  readonly note: NotedOrder;
  readonly zone: VendorZone;
  /** Where each challenge's name leads. */
  readonly delegated: ReadonlyMap<string, string>;
  readonly outside: readonly NameServer[];
}

/** Answers challenges where their names lead, and notes each value on the host before it is set. */
export function noting(order: OrderNote, { note, zone, delegated, outside, say, signal }: Surroundings): Solver {
  const at = (name: string) => delegated.get(name) ?? name;
  return {
    async present(name, value) {
      order.presented = [...order.presented, { name: at(name), value }];
      await note.keep(order);
      await zone.present(at(name), value);
    },
    async wait(name, value) {
      await zone.wait(at(name), value);
      const late = await waitOutside(exchangeFromHere, outside, { name, value }, { seconds: 30, pause: 500 }, signal);
      if (late.length > 0) say("info", `going on although ${late.join(", ")} still shows an old answer for ${name}`);
    },
    async cleanUp(name, value) {
      await zone.cleanUp(at(name), value);
      order.presented = order.presented.filter((one) => one.name !== at(name) || one.value !== value);
      await note.keep(order);
    },
  };
}

/** Takes away what a run before has left in DNS. */
export async function takeAway(presented: OrderNote["presented"], zone: VendorZone): Promise<void> {
  for (const { name, value } of presented) await zone.cleanUp(name, value);
}
