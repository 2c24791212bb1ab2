import { type AccountKey, type Authority, type CertificateAuthority, openAuthority } from "../acme/authority.ts";
import { publicKeyOfRequest } from "../acme/certificate.ts";
import { chainProblems } from "../acme/chain.ts";
import { recordCertificate, recordOrder } from "../acme/ledger.ts";
import type { Issued, Solver } from "../acme/order.ts";
import { sameNames } from "../acme/same-names.ts";
import { exchangeFromHere } from "../dns/exchange.ts";
import { resolversOutside } from "../dns/here.ts";
import { isWithin } from "../dns/names.ts";
import { Failure } from "../failure.ts";
import type { Host } from "../host/host.ts";
import { type ActContext, run } from "../step.ts";
import { stoppable } from "../zones/stoppable.ts";
import { vendorZone } from "../zones/zone.ts";
import { accountOn } from "./acme-account.ts";
import type { AcmeCertificateSeen, AcmeCertificateWant } from "./acme-certificate.ts";
import { fingerprintOf, type OrderNote, userAgent } from "./acme-certificate-texts.ts";
import { isThere, keep, liveOf, settledHere } from "./acme-chains.ts";
import { HostNotes, type NotedOrder, refuseBy, refuseWhatWouldBe, unasked } from "./acme-notes.ts";
import { caaAgainst, challengesOf, refused } from "./acme-ready.ts";
import { rehearse } from "./acme-rehearsal.ts";
import { noting, takeAway } from "./acme-solver.ts";

/** Of its life, what must be left to a certificate whose renewal may fail without the run's failing. */
const enough = 1 / 6;

/**
 * Gets a certificate. Where it is only one that falls due, and has time left, a failure is a warning: the next run tries again, and
 * `npm run renew` raises the alarm when a third of its life is left.
 *
 * @param live The certificate that is to be renewed, where nothing else is wrong with it.
 */
export async function obtain(
  want: AcmeCertificateWant,
  context: ActContext,
  live?: AcmeCertificateSeen,
): Promise<void> {
  try {
    await get(want, context);
  } catch (error) {
    const { say, signal } = context;
    if (live === undefined || signal.aborted || !(error instanceof Failure) || leftOf(live) < enough) throw error;
    settledHere.add(fingerprintOf(live.certificate));
    say("warning", `${error.message}\nThe certificate is good until ${live.notAfter}, and the next run tries again.`);
  }
}

/** What is left of its life, 0 to 1. */
function leftOf({ notBefore, notAfter }: AcmeCertificateSeen): number {
  const [from, to] = [Date.parse(notBefore), Date.parse(notAfter)];
  return (to - Date.now()) / (to - from);
}

/**
 * Gets a chain for the request that stands in the folder's `next`, and puts it beside. What a run before has left in DNS is taken away first; an
 * order that it began is gone on with; a chain that it got already is not asked for again. What was asked of the authority is noted before and after;
 * what it would refuse is not asked, nor anything while DNS is not as it must be.
 */
async function get(want: AcmeCertificateWant, { host, say, signal }: ActContext): Promise<void> {
  const notes = new HostNotes(host, say);
  const outside = resolversOutside(want.resolvers);
  const { patience } = want;
  const waiting = patience === undefined ? {} : { patience };
  const zone = vendorZone(want.zone, { exchange: exchangeFromHere, resolvers: outside, say, signal, ...waiting });
  const note = notes.orderFor(want.folder);
  const left = await note.read();
  const { ours = [], foreign = [] } = Object.groupBy(left?.presented ?? [], ({ name }) =>
    isWithin(name, want.zone.zone) ? "ours" : "foreign",
  );
  await takeAway(ours, zone);
  for (const { name, value } of foreign) {
    say("warning", `a challenge of a run before may be left in another zone: take ${name} TXT "${value}" out there`);
  }
  const csr = await text(host, `${want.folder}/next/request.pem`);
  const publicKey = publicKeyOfRequest(csr);
  const { directory, profile = "" } = want;
  const { names: before, replaces } = await liveOf(host, want);
  const asked = { directory, names: want.names, ...(replaces === undefined ? {} : { replaces }) };
  const plain = { directory, names: want.names };
  if (await isThere(host, want, publicKey)) {
    // A run before has got it. Where its order is still noted, it was killed before it could count it.
    if (left?.url !== undefined) {
      await notes.record((ledger, now) => recordCertificate(ledger, left.replaced ? asked : plain, now));
    }
    return note.forget();
  }
  // What is there was got for something else, and is not to be installed where this one does not come.
  await host.perform([run("take an old chain away", ["rm", "-f", "--", `${want.folder}/next/fullchain.pem`])]);
  const what = unasked(directory, want.names);
  const exchange = stoppable(exchangeFromHere, what, signal);
  const looking = { exchange, resolvers: outside, zone: want.zone.zone, say };
  const delegated = await challengesOf(looking, want.names, what);
  const conversation = { signal, say: (line: string) => say("info", line), userAgent };

  await refuseWhatWouldBe(notes, asked);
  const account = await accountOn(host, directory);
  const authority = await notes.counting(asked, () => openAuthority({ directory, roots: want.roots }, conversation));
  const ca = { domains: authority.caaIdentities, accountUri: account.uri };
  const against = await caaAgainst(looking, want.names, ca);
  if (against.length > 0) throw refused(what, against);
  const isLeft =
    left !== undefined && left.directory === directory && left.profile === profile && sameNames(left.names, want.names);
  const order: OrderNote = {
    directory,
    names: want.names,
    profile,
    presented: [],
    ...(isLeft && left.url !== undefined ? { url: left.url, replaced: left.replaced } : {}),
  };
  const solver = noting(order, { note, zone, delegated, outside, say, signal });
  const isNew = want.names.some((name) => !before.includes(name));
  const placing = async (replaced: string | undefined) => {
    if (isNew) await rehearse(want, csr, { host, notes, looking, conversation, solver });
    // One that the authority does not take for a replacement counts, which nobody has looked at yet; nor at what others have ordered meanwhile.
    const counted = replaced === undefined ? plain : asked;
    await notes.record((ledger, now) => {
      refuseBy(ledger, counted, now);
      return recordOrder(ledger, counted, now);
    });
  };
  const work = { want, csr, replaces, order, placing, solver, notes, note };
  const { chain, replaced } = await ordered(authority, account, work);
  const problems = chainProblems(chain, { names: want.names, publicKey, now: new Date() });
  if (problems.length > 0) {
    const failure = new Failure({
      what: `what ${new URL(directory).host} gave for ${want.names.join(", ")} was not put in place`,
      why: problems.join("\n"),
    });
    await notes.failed(want, failure);
    throw failure;
  }
  await keep(host, want, chain);
  // Only where the authority has taken it for a replacement, it does not count.
  await notes.record((ledger, now) => recordCertificate(ledger, replaced ? asked : plain, now));
  await ended(order, note);
}

/** An order is forgotten once nothing of it is left in DNS; a value that could not be taken away is the next run's to take. */
async function ended(order: OrderNote, note: NotedOrder): Promise<void> {
  delete order.url;
  await (order.presented.length === 0 ? note.forget() : note.keep(order));
}

/** Takes a certificate back, as the host's account. @throws Failure */
export async function revoke(
  authority: Authority,
  certificate: string,
  { host, say, signal }: ActContext,
): Promise<void> {
  const opened = await openAuthority(authority, { signal, say: (line) => say("info", line), userAgent });
  await opened.revoke(await accountOn(host, authority.directory), certificate, "cessationOfOperation");
}

interface Work {
  readonly want: AcmeCertificateWant;
  readonly csr: string;
  readonly replaces: string | undefined;
  readonly order: OrderNote;
  /** What comes before a new order. */
  readonly placing: (replaces: string | undefined) => Promise<void>;
  readonly solver: Solver;
  readonly notes: HostNotes;
  readonly note: NotedOrder;
}

async function ordered(
  authority: CertificateAuthority,
  account: AccountKey,
  { want, csr, replaces, order, placing, solver, notes, note }: Work,
): Promise<Issued> {
  // What ends it just before the order is none of this authority's failures; the rehearsal counts its own.
  let isAsked = true;
  try {
    return await authority.order(
      account,
      {
        names: want.names,
        csr,
        ...(want.profile === undefined ? {} : { profile: want.profile }),
        ...(replaces === undefined ? {} : { replaces }),
        ...(order.url === undefined ? {} : { resume: { url: order.url, replaced: order.replaced === true } }),
        placing: async (replaced) => {
          isAsked = false;
          await placing(replaced);
          isAsked = true;
        },
        placed: async ({ url, replaced }) => {
          Object.assign(order, { url, replaced });
          await note.keep(order);
        },
        lost: async () => {
          delete order.url;
          await note.keep(order).catch(() => undefined);
        },
      },
      solver,
    );
  } catch (error) {
    if (isAsked) await notes.failed(want, error);
    throw error;
  }
}

async function text(host: Host, path: string): Promise<string> {
  const [file] = await host.inspect(path, { content: 1024 * 1024 });
  return new TextDecoder().decode(file?.content);
}
