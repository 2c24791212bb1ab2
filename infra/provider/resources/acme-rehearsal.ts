import { type Conversation, openAuthority } from "../acme/authority.ts";
import type { Solver } from "../acme/order.ts";
import type { Host } from "../host/host.ts";
import { accountOn } from "./acme-account.ts";
import type { AcmeCertificateWant } from "./acme-certificate.ts";
import { type HostNotes, refuseWhatWouldBe } from "./acme-notes.ts";
import { caaAgainst, type Looking } from "./acme-ready.ts";

/** With what a test authority is asked. */
interface Surroundings {
  readonly host: Host;
  readonly notes: HostNotes;
  readonly looking: Looking;
  readonly conversation: Conversation;
  /** Notes what it sets with the order that is rehearsed, so that what is left of both is taken away. */
  readonly solver: Solver;
}

/**
 * Asks the test authority, where there is one, for the certificate that the real one is to give, and throws it away: a mistake costs nothing there.
 * It is asked for the same profile where it has that, and passed over where CAA records shut it out alone: to the real one they say nothing.
 *
 * @throws Failure where it does not give one
 */
export async function rehearse(
  { testDirectory: directory, testRoots: roots, names, profile }: AcmeCertificateWant,
  csr: string,
  { host, notes, looking, conversation, solver }: Surroundings,
): Promise<void> {
  if (directory === undefined) return;
  const { say } = conversation;
  const { host: who } = new URL(directory);
  const account = await accountOn(host, directory);
  const asked = { directory, names };
  await refuseWhatWouldBe(notes, asked);
  const authority = await notes.counting(asked, () => openAuthority({ directory, roots }, conversation));
  const ca = { domains: authority.caaIdentities, accountUri: account.uri };
  const against = await caaAgainst(looking, names, ca);
  if (against.length > 0) {
    say(`the test authority ${who} is not asked first: ${[...new Set(against.map(({ said }) => said))].join(" ")}`);
    return;
  }
  say(`asking the test authority ${who} first`);
  const isKnown = profile !== undefined && Object.hasOwn(authority.profiles(), profile);
  if (profile !== undefined && !isKnown) say(`${who} has no profile ${profile}: it is asked for its usual one`);
  const request = { names, csr, ...(isKnown ? { profile } : {}) };
  await notes.counting(asked, () => authority.order(account, request, solver));
}
