import type { Peer } from "./peer.ts";
import type { Cell } from "./plan.ts";
import { headingOf } from "./report/cells.ts";

/** What can be chosen, and what the present choice would measure. */
export function listing(peers: readonly Peer[], cells: readonly Cell[]): string {
  const names = peers.map(({ name, title, setup }) => `  ${name.padEnd(16)} ${title}: ${setup}`);
  const planned = cells.map(
    ({ work, delay, cases, repeats }) =>
      `  ${headingOf(work, delay.name)}: ${cases.join(", ")}; up to ${repeats} ${repeats === 1 ? "time" : "times"}`,
  );
  return ["Peers:", ...names, "", "With these options it measures:", ...planned, ""].join("\n");
}
