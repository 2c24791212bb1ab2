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
import type { Solver } from "../acme/order.ts";
import { Refused } from "../acme/problem.ts";
import { Unanswered } from "../acme/transport.ts";
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
import type { AcmeCertificateWant } from "./acme-certificate.ts";
import { fingerprintOf, type IssuedNote, type OrderNote, userAgent } from "./acme-certificate-texts.ts";
import { HostNotes } from "./acme-notes.ts";

/** Fingerprints of what this process has got: an authority that wants a certificate renewed from its first moment on gets no second one in the same run. */
export const gotHere = new Set<string>();

/**
 * Gets a chain for the request that stands in the folder's `next`, and puts it beside. What a run before has left in DNS is taken away first; an
 * order that it began is gone on with; a chain that it got already is not asked for again. What was asked of the authority is noted before and after,
 * and what the authority would refuse is not asked.
 */
export async function obtain(want: AcmeCertificateWant, { host, say, signal }: ActContext): Promise<void> {
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
  if (await isThere(host, want, publicKey)) return notes.forgetOrder();

  const { directory, profile = "" } = want;
  const live = await liveChain(host, want);
  const replaces = live === undefined ? undefined : readCertificate(live).renewalId;
  const delegated = new Map<string, string>();
  for (const name of want.names) {
    const challenge = `_acme-challenge.${name}`;
    delegated.set(challenge, await delegatedName(exchangeFromHere, outside, challenge, want.zone.zone));
  }
  const solver = (order: OrderNote) => noting(order, { notes, zone, delegated, outside, say, signal });
  const conversation = { signal, say: (line: string) => say("info", line), userAgent };

  if (want.testDirectory !== undefined && live === undefined) {
    say("info", `asking the test authority ${new URL(want.testDirectory).host} first`);
    const test = authorityOf(want.testDirectory, want.testRoots);
    const opened = await openAuthority(test, conversation);
    const account = await accountOn(host, want.testDirectory);
    const order = { directory: want.testDirectory, names: want.names, profile, presented: [] };
    await opened.order(account, { names: want.names, csr }, solver(order));
  }

  const authority = await openAuthority(authorityOf(directory, want.roots), conversation);
  const account = await accountOn(host, directory);
  const asked = { directory, names: want.names, ...(replaces === undefined ? {} : { replaces }) };
  const ledger = await noteOrder(await notes.ledger(), asked, notes);
  const resumes =
    left !== undefined && left.directory === directory && left.profile === profile && sameNames(left.names, want.names)
      ? left.url
      : undefined;
  const order: OrderNote = {
    directory,
    names: want.names,
    profile,
    presented: [],
    ...(resumes === undefined ? {} : { url: resumes }),
  };
  const chain = await ordered(authority, account, { want, csr, replaces, order, solver: solver(order), notes }, ledger);
  const problems = chainProblems(chain, { names: want.names, publicKey, now: new Date() });
  if (problems.length > 0) {
    throw new Failure({
      what: `what ${new URL(directory).host} gave for ${want.names.join(", ")} was not put in place`,
      why: problems.join("\n"),
    });
  }
  await keep(host, want, chain);
  await notes.keepLedger(recordCertificate(await notes.ledger(), asked, new Date()));
  await notes.forgetOrder();
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
  ledger: Ledger,
): Promise<string> {
  try {
    const { chain } = await authority.order(
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
    return chain;
  } catch (error) {
    const now = new Date();
    const failed = error instanceof Refused ? error.failedNames : [];
    const noted = failed.reduce(
      (to, name) => recordFailedAuthorization(to, { directory: want.directory, name }, now),
      ledger,
    );
    // What the authority has said no to is at its end; where it was not heard, the order may be gone on with.
    if (error instanceof Failure && !(error instanceof Unanswered)) {
      delete order.url;
      await notes.keepOrder(order).catch(() => undefined);
    }
    // Where we stopped ourselves, nothing has failed.
    if (error instanceof Failure) await notes.keepLedger(recordFailure(noted, want.names, now)).catch(() => undefined);
    throw error;
  }
}

/** What would be refused is not asked. */
async function noteOrder(
  ledger: Ledger,
  asked: { directory: string; names: readonly string[]; replaces?: string },
  notes: HostNotes,
): Promise<Ledger> {
  const now = new Date();
  const refused = refusal(ledger, { ...asked, force: process.env[forceVariable] === "1" }, now);
  if (refused !== undefined) {
    throw new Failure({
      what: `did not ask ${new URL(asked.directory).host} for a certificate for ${asked.names.join(", ")}`,
      why: refused.why,
      remedy: `${refused.until === undefined ? "" : `Run the update again after ${refused.until.toISOString()}. `}To try in spite of earlier failures, mend their cause and set ${forceVariable}=1 for one run; the authority's own limits stay.`,
    });
  }
  const next = recordOrder(ledger, asked, now);
  await notes.keepLedger(next);
  return next;
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
      const late = await waitOutside(exchangeFromHere, outside, { name, value }, { seconds: 120, pause: 500 }, signal);
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

/** Whether a run before has got the chain, and only did not install it. */
async function isThere(host: Host, { folder, names }: AcmeCertificateWant, publicKey: string): Promise<boolean> {
  const [file] = await host.inspect(`${folder}/next/fullchain.pem`, { content: 1024 * 1024 });
  if (file === undefined) return false;
  const chain = new TextDecoder().decode(file.content);
  return chainProblems(chain, { names, publicKey, now: new Date() }).length === 0;
}

async function liveChain(host: Host, { folder, names }: AcmeCertificateWant): Promise<string | undefined> {
  const [file] = await host.inspect(`${folder}/live/fullchain.pem`, { content: 1024 * 1024 });
  if (file === undefined) return undefined;
  const chain = new TextDecoder().decode(file.content);
  try {
    return sameNames(readCertificate(chain).names, names) ? chain : undefined;
  } catch {
    return undefined;
  }
}

async function keep(
  host: Host,
  { folder, directory, profile = "" }: AcmeCertificateWant,
  chain: string,
): Promise<void> {
  const note: IssuedNote = { directory, profile, fingerprint: fingerprintOf(chain) };
  gotHere.add(note.fingerprint);
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
