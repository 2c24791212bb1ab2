import type { Authorization, Order } from "acme-client";
import { challengeLabel } from "../dns/expected.ts";
import { Failure, reason } from "../failure.ts";
import { certificatesOf, factsOf, publicKeyOfRequest, sameKey } from "./certificate.ts";
import type { Session } from "./client.ts";
import { type Patience, pause, retryAfter, unlessAborted } from "./patience.ts";
import { Problem, Refused, readProblem, type Surroundings } from "./problem.ts";
import { sameNames } from "./same-names.ts";

/** What answers DNS challenges (RFC 8555, section 8.4). */
export interface Solver {
  /** Sets a TXT record beside those that are there. @param name `_acme-challenge.os2mo.kommune.dk` */
  present(name: string, value: string): Promise<void>;
  /** Until every name server that the authority may ask has it. */
  wait(name: string, value: string): Promise<void>;
  /** Takes that value away; no error where it is not there. Called after cancellation too, and where `present` failed. */
  cleanUp(name: string, value: string): Promise<void>;
}

/** What is ordered. */
export interface CertificateRequest {
  readonly names: readonly string[];
  /** PEM of a certificate request for exactly these names. */
  readonly csr: string;
  /** One of the authority's profiles. */
  readonly profile?: string;
  /** Renewal id of the certificate that this one replaces (RFC 9773, section 5). */
  readonly replaces?: string;
  /** An order that a run before has placed for the same names and key: it is gone on with, where it can still come to an end. */
  readonly resume?: PlacedOrder;
  /**
   * Called before a new order is placed, and once more where the authority refuses to take it as the replacement that it was said to be, and
   * it is placed as one that is none. What it throws ends it, and is thrown as it is.
   */
  readonly placing?: (replaces: string | undefined) => Promise<void>;
  /** Told where the order is, once it is placed or found again and before anything else is done. */
  readonly placed?: (order: PlacedOrder) => Promise<void>;
  /** Told when the order has come to nothing: nobody can go on with it. */
  readonly lost?: () => Promise<void>;
}

/** An order at the authority. */
export interface PlacedOrder {
  readonly url: string;
  /** Whether the authority took it as the replacement of another certificate. */
  readonly replaced: boolean;
}

/** What came of it. */
export interface Issued {
  /** PEM: the certificate, then those by which it leads to a root. */
  readonly chain: string;
  /** Of the order. */
  readonly url: string;
  /** Whether the authority took it as the replacement that it was said to be: only then it counts for none of its limits. */
  readonly replaced: boolean;
}

/** An order is over, and gave nothing that is of use here: nobody can go on with it. Only within this file. */
class InVain extends Error {
  override readonly name = "InVain";
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message, { cause: failure });
    this.failure = failure;
  }
}

export interface Circumstances extends Surroundings {
  readonly what: string;
  readonly session: Session;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
  readonly patience: Patience;
}

/** Orders a certificate, answers what challenges there are, and takes their answers away again whatever happens. */
export async function fill(request: CertificateRequest, solver: Solver, here: Circumstances): Promise<Issued> {
  const { order, replaced } = (await resumed(request, here)) ?? (await place(request, here));
  const { url } = order;
  await request.placed?.({ url, replaced });
  try {
    return { chain: await end(order, request, solver, here), url, replaced };
  } catch (error) {
    if (!(error instanceof InVain)) throw error;
    await request.lost?.();
    throw error.failure;
  }
}

/** Brings an order to its end: the chain that it gives. */
async function end(placed: Order, request: CertificateRequest, solver: Solver, here: Circumstances): Promise<string> {
  const { session, what } = here;
  let order = placed;
  if (order.status === "pending") {
    await authorize(order, solver, here);
    order = await follow<Order>(order, ["pending"], here);
  }
  if (order.status === "ready") await finalize(order, request.csr, here);
  // One of its machines may tell for a while what was before that.
  if (order.status !== "valid") order = await follow<Order>(order, ["ready", "processing"], here);
  if (order.status !== "valid" || order.certificate === undefined) throw new InVain(failedOrder(order, here));
  const { data } = await session.look(order.certificate);
  const chain = String(data);
  // An authority may give an order back that another run made, for a key of its own.
  const [leaf] = certificatesOf(chain);
  if (leaf === undefined || !sameKey(factsOf(leaf).publicKey, publicKeyOfRequest(request.csr))) {
    const why = `what order ${order.url} gave is ${leaf === undefined ? "no certificate" : "for another key"}`;
    throw new InVain(new Failure({ what, why, remedy: "Run it again: that makes a new order." }));
  }
  return chain;
}

/** An order of a run before, unless it came to nothing or the authority knows it no more. */
async function resumed({ resume, names }: CertificateRequest, { session, say }: Circumstances) {
  if (resume === undefined) return undefined;
  const { url, replaced } = resume;
  try {
    const order = { ...((await session.look(url)).data as Omit<Order, "url">), url } as Order;
    const of = order.identifiers.map(({ value }) => value);
    if (!sameNames(of, names) || order.status === "invalid") return undefined;
    say(`going on with the order that a run before has placed, which is ${order.status}`);
    return { order, replaced };
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    return undefined;
  }
}

/**
 * Refusals that may be about the certificate that is to be replaced, rather than about the order: replaced already, unknown (of
 * another authority), of another account.
 */
const aboutReplaced = ["alreadyReplaced", "malformed", "unauthorized"];

async function place(request: CertificateRequest, { session, say }: Circumstances) {
  const { names, profile, replaces } = request;
  const identifiers = names.map((value) => ({ type: "dns", value }));
  const asked = { identifiers, ...(profile !== undefined && { profile }) };
  const plain = async () => {
    await request.placing?.(undefined);
    return { order: await session.client.createOrder(asked), replaced: false };
  };
  if (replaces === undefined) return plain();
  await request.placing?.(replaces);
  try {
    const replacing = { ...asked, replaces };
    return { order: await session.client.createOrder(replacing), replaced: true };
  } catch (error) {
    if (!(error instanceof Problem) || !aboutReplaced.includes(error.document.type)) throw error;
    say(`ordered without saying what it replaces, for that was refused: ${error.message}`);
    return plain();
  }
}

interface Open {
  readonly authorization: Authorization;
  readonly challenge: Authorization["challenges"][number];
  /** `_acme-challenge.os2mo.kommune.dk` */
  readonly name: string;
  readonly value: string;
}

async function authorize(order: Order, solver: Solver, here: Circumstances): Promise<void> {
  const { session, signal, say } = here;
  const authorizations = await session.client.getAuthorizations(order);
  const open = await Promise.all(
    authorizations.filter(({ status }) => status !== "valid").map((authorization) => openOf(authorization, here)),
  );
  const begun: Open[] = [];
  try {
    for (const one of open) {
      signal.throwIfAborted();
      // One that fails may have set the record all the same.
      begun.push(one);
      await solver.present(one.name, one.value);
    }
    await unlessAborted(() => allOf(open.map(({ name, value }) => solver.wait(name, value))), signal);
    if (open.length > 0) say(`${here.authority} looks for ${open.map(({ name }) => name).join(", ")}`);
    await allOf(open.map((one) => complete(one, here)));
    const ends = await allOf(open.map(({ authorization }) => follow<Authorization>(authorization, ["pending"], here)));
    refuseUnlessValid(ends, here);
  } finally {
    await cleanUp(begun, solver, say);
  }
}

async function openOf(authorization: Authorization, { session, what }: Circumstances): Promise<Open> {
  const { identifier, challenges, status } = authorization;
  const challenge = challenges.find(({ type }) => type === "dns-01");
  if (status !== "pending" || challenge === undefined) {
    const offered = challenges.map(({ type }) => type).join(", ");
    const why =
      challenge === undefined ? `it offers no challenge by DNS, but ${offered}` : `its authorization is ${status}`;
    throw new Failure({ what, why: `${identifier.value}: ${why}` });
  }
  const value = await session.client.getChallengeKeyAuthorization(challenge);
  return { authorization, challenge, name: `${challengeLabel}${identifier.value}`, value };
}

async function complete({ authorization, challenge }: Open, { session }: Circumstances): Promise<void> {
  if (challenge.status !== "pending") return;
  try {
    await session.client.completeChallenge(challenge);
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    // The first answer was lost, and the authority has looked by now.
    const { data } = await session.look(authorization.url);
    if ((data as Authorization).status === "pending") throw error;
  }
}

function refuseUnlessValid(authorizations: readonly Authorization[], here: Circumstances): void {
  const failed = authorizations
    .filter(({ status }) => status !== "valid")
    .sort((a, b) => a.identifier.value.localeCompare(b.identifier.value, "en"));
  if (failed.length === 0) return;
  const problems = failed.map(({ identifier, status, challenges }) => {
    const said = challenges.find(({ error }) => error !== undefined)?.error;
    return new Problem({ ...readProblem(said, `the authorization is ${status}`), name: identifier.value });
  });
  const failedNames = [...new Set(failed.map(({ identifier }) => identifier.value))];
  throw new InVain(new Refused(here.what, problems, { ...here, failedNames }));
}

/** What cannot be taken away is told, and left: the certificate matters more, and the next run takes leftovers away. */
async function cleanUp(begun: readonly Open[], solver: Solver, say: (line: string) => void): Promise<void> {
  const ends = await Promise.allSettled(begun.map(async ({ name, value }) => solver.cleanUp(name, value)));
  for (const [index, end] of ends.entries()) {
    if (end.status === "rejected")
      say(`could not take the challenge at ${begun[index]?.name} away: ${reason(end.reason)}`);
  }
}

/** An order that was finished before, where that answer was lost, is no longer ready for it. */
async function finalize(order: Order, csr: string, { session }: Circumstances): Promise<void> {
  try {
    await session.client.finalizeOrder(order, csr);
  } catch (error) {
    if (!(error instanceof Problem) || error.document.type !== "orderNotReady") throw error;
  }
}

function failedOrder({ status, error, url }: Order, here: Circumstances): Failure {
  if (error !== undefined) {
    return new Refused(here.what, [new Problem(readProblem(error, `the order is ${status}`))], here);
  }
  return new Failure({ what: here.what, why: `order ${url} is ${status}, and the authority does not say why` });
}

/** Looks at something until its status is another than these. */
async function follow<T extends { readonly url: string; readonly status: string }>(
  { url }: T,
  statuses: readonly T["status"][],
  { session, what, signal, patience }: Circumstances,
): Promise<T> {
  for (let waited = 0, backoff = patience.pause; ; backoff = Math.min(backoff * 2, 10 * patience.pause)) {
    const { data, headers } = await session.look(url);
    const seen = { ...(data as T), url };
    if (!statuses.includes(seen.status)) return seen;
    if (waited >= patience.work) {
      const why = `${url} is still ${seen.status} after ${Math.round(waited / 1000)} s`;
      throw new Failure({ what, why, remedy: "Run it again later: what the authority has done by then still counts." });
    }
    const now = new Date();
    const asked = (retryAfter(headers["retry-after"], now)?.getTime() ?? 0) - now.getTime();
    const wait = Math.min(asked > 0 ? Math.max(asked, patience.pause) : backoff, patience.longestPause);
    await pause(wait, signal);
    waited += wait;
  }
}

/** All of them, and not before all have ended: nothing goes on while it is cleaned up after them. */
async function allOf<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const ends = await Promise.allSettled(work);
  return ends.map((end) => {
    if (end.status === "rejected") throw end.reason;
    return end.value;
  });
}
