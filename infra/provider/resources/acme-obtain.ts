import { type AccountKey, type Authority, type CertificateAuthority, openAuthority } from "../acme/authority.ts";
import { publicKeyOfRequest, readCertificate } from "../acme/certificate.ts";
import { chainProblems } from "../acme/chain.ts";
import {
  type Ledger,
  recordCertificate,
  recordFailedAuthorization,
  recordFailure,
  recordOrder,
  refusal,
} from "../acme/ledger.ts";
import { type Issued, OtherKey, type Solver } from "../acme/order.ts";
import { Refused } from "../acme/problem.ts";
import { delegatedName } from "../dns/delegation.ts";
import { exchangeFromHere, type NameServer } from "../dns/exchange.ts";
import { resolversOutside } from "../dns/here.ts";
import { isWithin } from "../dns/names.ts";
import { waitOutside } from "../dns/seen-outside.ts";
import { Failure } from "../failure.ts";
import type { Host } from "../host/host.ts";
import { type ActContext, write } from "../step.ts";
import { type VendorZone, vendorZone } from "../zones/zone.ts";
import { accountOn } from "./acme-account.ts";
import type { AcmeCertificateSeen, AcmeCertificateWant } from "./acme-certificate.ts";
import { fingerprintOf, type IssuedNote, issuedOf, type OrderNote, userAgent } from "./acme-certificate-texts.ts";
import { HostNotes } from "./acme-notes.ts";

/**
 * Fingerprints of certificates that are due no more in this process: what it has got, for an authority may want one renewed from its first
 * moment on; and what it could not renew, and can wait.
 */
export const settledHere = new Set<string>();

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
 * order that it began is gone on with; a chain that it got already is not asked for again. What was asked of the authority is noted before and after,
 * and what the authority would refuse is not asked.
 */
async function get(want: AcmeCertificateWant, { host, say, signal }: ActContext): Promise<void> {
  const notes = new HostNotes(host);
  const outside = resolversOutside(want.resolvers);
  const zone = vendorZone(want.zone, { exchange: exchangeFromHere, resolvers: outside, say, signal });
  const left = await notes.order();
  await takeAway(
    (left?.presented ?? []).filter(({ name }) => isWithin(name, want.zone.zone)),
    zone,
  );
  const csr = await text(host, `${want.folder}/next/request.pem`);
  const publicKey = publicKeyOfRequest(csr);
  const { directory, profile = "" } = want;
  if (await isThere(host, want, publicKey)) {
    // A run before has got it, and could not say so.
    await notes.keepLedger(recordCertificate(await notes.ledger(), { directory, names: want.names }, new Date()));
    return notes.forgetOrder();
  }
  const live = await liveChain(host, want);
  const replaces = live === undefined ? undefined : readCertificate(live).renewalId;
  const delegated = new Map<string, string>();
  for (const name of want.names) {
    const challenge = `_acme-challenge.${name}`;
    delegated.set(challenge, await delegatedName(exchangeFromHere, outside, challenge, want.zone.zone));
  }
  const solver = (order: OrderNote) => noting(order, { notes, zone, delegated, outside, say, signal });
  const conversation = { signal, say: (line: string) => say("info", line), userAgent };

  const asked = { directory, names: want.names, ...(replaces === undefined ? {} : { replaces }) };
  refuseWhatWouldBe(await notes.ledger(), asked);
  const resumes =
    left !== undefined && left.directory === directory && left.profile === profile && sameNames(left.names, want.names)
      ? left.url
      : undefined;
  if (want.testDirectory !== undefined && live === undefined && resumes === undefined) {
    say("info", `asking the test authority ${new URL(want.testDirectory).host} first`);
    const test = authorityOf(want.testDirectory, want.testRoots);
    const opened = await openAuthority(test, conversation);
    const account = await accountOn(host, want.testDirectory);
    const order = { directory: want.testDirectory, names: want.names, profile, presented: [] };
    await opened.order(account, { names: want.names, csr }, solver(order));
  }

  const authority = await openAuthority(authorityOf(directory, want.roots), conversation);
  const account = await accountOn(host, directory);
  await notes.keepLedger(recordOrder(await notes.ledger(), asked, new Date()));
  const order: OrderNote = {
    directory,
    names: want.names,
    profile,
    presented: [],
    ...(resumes === undefined ? {} : { url: resumes }),
  };
  const work = { want, csr, replaces, order, solver: solver(order), notes };
  const { chain, replaced } = await ordered(authority, account, work);
  const problems = chainProblems(chain, { names: want.names, publicKey, now: new Date() });
  if (problems.length > 0) {
    throw new Failure({
      what: `what ${new URL(directory).host} gave for ${want.names.join(", ")} was not put in place`,
      why: problems.join("\n"),
    });
  }
  await keep(host, want, chain);
  // Only where the authority has taken it for a replacement, it does not count.
  const given = replaced ? asked : { directory, names: want.names };
  await notes.keepLedger(recordCertificate(await notes.ledger(), given, new Date()));
  await ended(order, notes);
}

/** An order is forgotten once nothing of it is left in DNS; a value that could not be taken away is the next run's to take. */
async function ended(order: OrderNote, notes: HostNotes): Promise<void> {
  delete order.url;
  await (order.presented.length === 0 ? notes.forgetOrder() : notes.keepOrder(order));
}

/** Takes a certificate back, as its account. */
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
  readonly solver: Solver;
  readonly notes: HostNotes;
}

async function ordered(
  authority: CertificateAuthority,
  account: AccountKey,
  { want, csr, replaces, order, solver, notes }: Work,
): Promise<Issued> {
  try {
    return await authority.order(
      account,
      {
        names: want.names,
        csr,
        ...(want.profile === undefined ? {} : { profile: want.profile }),
        ...(replaces === undefined ? {} : { replaces }),
        ...(order.url === undefined ? {} : { resume: order.url }),
        placed: async (url) => {
          order.url = url;
          await notes.keepOrder(order);
        },
      },
      solver,
    );
  } catch (error) {
    const now = new Date();
    const ledger = await notes.ledger();
    const failed = error instanceof Refused ? error.failedNames : [];
    const noted = failed.reduce(
      (to, name) => recordFailedAuthorization(to, { directory: want.directory, name }, now),
      ledger,
    );
    // The order may be gone on with, unless what it gives is of no use here; one that came to nothing says so itself.
    if (error instanceof OtherKey) {
      delete order.url;
      await notes.keepOrder(order).catch(() => undefined);
    }
    // Where we stopped ourselves, nothing has failed.
    if (error instanceof Failure) await notes.keepLedger(recordFailure(noted, want.names, now)).catch(() => undefined);
    throw error;
  }
}

/** What would be refused is not asked. */
function refuseWhatWouldBe(
  ledger: Ledger,
  asked: { readonly directory: string; readonly names: readonly string[]; readonly replaces?: string },
): void {
  const refused = refusal(ledger, { ...asked, force: process.env[forceVariable] === "1" }, new Date());
  if (refused === undefined) return;
  throw new Failure({
    what: `did not ask ${new URL(asked.directory).host} for a certificate for ${asked.names.join(", ")}`,
    why: refused.why,
    remedy: `${refused.until === undefined ? "" : `Run the update again after ${refused.until.toISOString()}. `}To try in spite of earlier failures, mend their cause and set ${forceVariable}=1 for one run; the authority's own limits stay.`,
  });
}

/** Set to 1 for one run, it lets that run ask again although runs before have failed lately. */
const forceVariable = "ONPREM_FORCE_CERTIFICATE";

interface Surroundings extends Pick<ActContext, "say" | "signal"> {
  readonly notes: HostNotes;
  readonly zone: VendorZone;
  /** Where each challenge's name leads. */
  readonly delegated: ReadonlyMap<string, string>;
  readonly outside: readonly NameServer[];
}

/** Answers challenges where their names lead, and notes each value on the host before it is set. */
function noting(order: OrderNote, { notes, zone, delegated, outside, say, signal }: Surroundings): Solver {
  const at = (name: string) => delegated.get(name) ?? name;
  return {
    async present(name, value) {
      order.presented = [...order.presented, { name: at(name), value }];
      await notes.keepOrder(order);
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
      await notes.keepOrder(order);
    },
  };
}

async function takeAway(presented: OrderNote["presented"], zone: VendorZone): Promise<void> {
  for (const { name, value } of presented) await zone.cleanUp(name, value);
}

/** Whether a run before has got the chain that is wanted, and only did not install it. */
async function isThere(host: Host, want: AcmeCertificateWant, publicKey: string): Promise<boolean> {
  const chain = await issuedChain(host, `${want.folder}/next`, want);
  if (chain === undefined) return false;
  if (chainProblems(chain, { names: want.names, publicKey, now: new Date() }).length > 0) return false;
  settledHere.add(fingerprintOf(chain));
  return true;
}

/** The chain that is live, where this authority gave it for these names: what a new one replaces. */
async function liveChain(host: Host, want: AcmeCertificateWant): Promise<string | undefined> {
  const chain = await issuedChain(host, `${want.folder}/live`, want);
  return chain !== undefined && sameNames(readCertificate(chain).names, want.names) ? chain : undefined;
}

/** A chain whose note says that it was got from the same authority, of the same profile. */
async function issuedChain(
  host: Host,
  folder: string,
  { directory, profile = "" }: AcmeCertificateWant,
): Promise<string | undefined> {
  const [[chainFile], [noteFile]] = (await Promise.all(
    ["fullchain.pem", "issued.json"].map((name) => host.inspect(`${folder}/${name}`, { content: 1024 * 1024 })),
  )) as [Awaited<ReturnType<Host["inspect"]>>, Awaited<ReturnType<Host["inspect"]>>];
  if (chainFile === undefined || noteFile === undefined) return undefined;
  const chain = new TextDecoder().decode(chainFile.content);
  const note = issuedOf(noteFile.content, chain);
  return note?.directory === directory && note.profile === profile ? chain : undefined;
}

async function keep(
  host: Host,
  { folder, directory, profile = "" }: AcmeCertificateWant,
  chain: string,
): Promise<void> {
  const note: IssuedNote = { directory, profile, fingerprint: fingerprintOf(chain) };
  settledHere.add(note.fingerprint);
  const file = { owner: "root", group: "root", mode: "0600" };
  await host.perform([
    // The chain last: with it, all is there.
    write("note who gave the certificate", {
      ...file,
      path: `${folder}/next/issued.json`,
      content: `${JSON.stringify(note)}\n`,
    }),
    write("write the chain", { ...file, path: `${folder}/next/fullchain.pem`, content: chain }),
  ]);
}

function authorityOf(directory: string, roots: string | undefined): Authority {
  return { directory, ...(roots === undefined ? {} : { roots }) };
}

function sameNames(one: readonly string[], other: readonly string[]): boolean {
  return [...one].sort().join() === [...other].sort().join();
}

async function text(host: Host, path: string): Promise<string> {
  const [file] = await host.inspect(path, { content: 1024 * 1024 });
  return new TextDecoder().decode(file?.content);
}
