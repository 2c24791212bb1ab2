import { PublicKey } from "@peculiar/x509";
import { afterEach, describe, expect, test, vi } from "vitest";
import { newAccountKey, openAuthority } from "../../../../infra/provider/acme/authority.ts";
import { emptyLedger, type Ledger } from "../../../../infra/provider/acme/ledger.ts";
import { type Limits, limits } from "../../../../infra/provider/acme/limits.ts";
import { accountPath } from "../../../../infra/provider/acme-values.ts";
import { type AcmeCertificateWant, acmeCertificate } from "../../../../infra/provider/resources/acme-certificate.ts";
import { fingerprintOf } from "../../../../infra/provider/resources/acme-certificate-texts.ts";
import { HostNotes } from "../../../../infra/provider/resources/acme-notes.ts";
import { obtain } from "../../../../infra/provider/resources/acme-obtain.ts";
import { rehearse } from "../../../../infra/provider/resources/acme-rehearsal.ts";
import { issuer, leaf, request } from "../acme/certificates.ts";
import { type Behaviour, type FakeAuthority, fakeAuthority, problem, type Reply } from "../acme/fake-authority.ts";
import { checked } from "../checked.ts";
import { a, caa, holderOf, ns, resolverOf, worldOf } from "../dns/fake-world.ts";
import { NotedHost } from "../noted-host.ts";

// DNS-1, DNS-2: whether a test authority is asked before the real one, and for what.

const folder = "/etc/onprem/tls";
/** In the zone that we write to, and proved before: nothing is asked of DNS. */
const names = ["a.vendor.dk", "b.vendor.dk", "c.vendor.dk"];
const [one = "", other = "", third = ""] = names;
const signal = new AbortController().signal;
const conversation = { signal, say: () => undefined, userAgent: "test" };

afterEach(() => {
  vi.unstubAllEnvs();
});

/** What was ordered of an authority: the names and the profile of each order. */
const orders = ({ asked }: FakeAuthority) =>
  asked
    .filter(({ path }) => path === "/order")
    .map(({ payload }) => {
      const { identifiers, profile } = payload as { identifiers: { value: string }[]; profile?: string };
      return [identifiers.map(({ value }) => value).join(), ...(profile === undefined ? [] : [profile])].join(" ");
    });

/** A real and a test authority, and a host that has accounts at both. */
async function authorities(ofTest: Behaviour, ofReal: Behaviour = {}) {
  const [real, rehearsing] = [
    await fakeAuthority({ authorized: names, ...ofReal }),
    await fakeAuthority({ authorized: names, ...ofTest }),
  ];
  const host = new NotedHost();
  for (const { directory, roots } of [real, rehearsing]) {
    const key = newAccountKey();
    const authority = await openAuthority({ directory, roots }, conversation);
    const { uri } = await authority.createAccount({ key, contacts: [], termsAgreed: true });
    host.files.set(accountPath(directory), JSON.stringify({ directory, uri, contacts: [], key }));
  }
  const want = checked(acmeCertificate, {
    names: [one, other],
    directory: real.directory,
    roots: real.roots,
    testDirectory: rehearsing.directory,
    testRoots: rehearsing.roots,
    zone: { kind: "manual", zone: "vendor.dk" },
    resolvers: ["192.0.2.53"],
  }) as AcmeCertificateWant;
  return {
    real,
    rehearsing,
    host,
    want,
    async [Symbol.asyncDispose]() {
      await real[Symbol.asyncDispose]();
      await rehearsing[Symbol.asyncDispose]();
    },
  };
}

/** Gets a certificate with a request of its own, and puts it where what is live stands. */
async function get(host: NotedHost, want: AcmeCertificateWant): Promise<void> {
  host.files.set(`${folder}/next/request.pem`, (await request(want.names)).csr);
  await obtain(want, { host, say: () => undefined, signal });
  for (const file of ["fullchain.pem", "issued.json"]) {
    host.files.set(`${folder}/live/${file}`, host.files.get(`${folder}/next/${file}`) ?? "");
    host.files.delete(`${folder}/next/${file}`);
  }
}

describe("the test authority is asked first for a name that has no certificate yet", () => {
  test.each<[string, Partial<AcmeCertificateWant>, string[]]>([
    ["the same names", {}, []],
    ["a name less", { names: [one] }, []],
    ["another profile", { profile: "short" }, []],
    ["a name more", { names: [one, other, third] }, [names.join()]],
    ["another name in place of one", { names: [one, third] }, [`${one},${third}`]],
  ])("%s", async (_, more, asked) => {
    await using at = await authorities({}, { meta: { profiles: { short: "six days" } } });
    await get(at.host, at.want);
    expect([orders(at.rehearsing), orders(at.real)]).toEqual([[`${one},${other}`], [`${one},${other}`]]);
    await get(at.host, { ...at.want, ...more });
    expect([orders(at.rehearsing).slice(1), orders(at.real).length]).toEqual([asked, 2]);
  });

  test("again where the order came to nothing, or the authority knows it no more; not where it is gone on with", async () => {
    const answers = new Map<string, Reply>();
    const instead: Behaviour["before"] = ({ path }) => answers.get(path.startsWith("/finalize") ? "finalize" : path);
    await using at = await authorities({}, { before: instead });
    /** A run that fails at its end, in spite of earlier failures; how often each authority has had an order by then. */
    const failing = async () => {
      vi.stubEnv("ONPREM_FORCE_CERTIFICATE", "1");
      await expect(get(at.host, at.want)).rejects.toThrow("userActionRequired");
      return [orders(at.rehearsing).length, orders(at.real).length];
    };
    answers.set("finalize", problem(403, "userActionRequired"));
    expect(await failing()).toEqual([1, 1]);
    // It is ready still.
    expect(await failing()).toEqual([1, 1]);
    answers.set("/order/1", problem(404, "malformed"));
    expect(await failing()).toEqual([2, 2]);
    const identifiers = [one, other].map((value) => ({ type: "dns", value }));
    answers.set("/order/2", { body: { status: "invalid", identifiers } });
    expect(await failing()).toEqual([3, 3]);
  });

  test("one that says no ends it, and the real one has no order", async () => {
    const refusing: Behaviour["before"] = ({ path }) =>
      path === "/order" ? { status: 403, body: { type: "urn:ietf:params:acme:error:rejectedIdentifier" } } : undefined;
    await using at = await authorities({ before: refusing });
    await expect(get(at.host, at.want)).rejects.toThrow("rejectedIdentifier");
    expect(orders(at.real)).toEqual([]);
  });
});

test("what a run before has left in a zone that is no longer ours is told, once", async () => {
  await using at = await authorities({});
  const left = { directory: at.real.directory, names, profile: "", presented: [{ name: "x.old.dk", value: "v" }] };
  at.host.files.set("/var/lib/onprem/acme/order-etc%2Fonprem%2Ftls.json", JSON.stringify(left));
  const said: string[] = [];
  for (let run = 0; run < 2; run += 1) {
    at.host.files.set(`${folder}/next/request.pem`, (await request(at.want.names)).csr);
    await obtain(at.want, { host: at.host, say: (severity, line) => said.push(`${severity}: ${line}`), signal });
  }
  expect(said.filter((line) => line.startsWith("warning"))).toEqual([
    'warning: a challenge of a run before may be left in another zone: take x.old.dk TXT "v" out there',
  ]);
});

test("a chain that was got for something else is not there to be installed where the one that is wanted does not come", async () => {
  await using at = await authorities({}, { meta: { profiles: { short: "six days" } } });
  await get(at.host, at.want);
  // Of another profile, not installed when it was got: the web server did not take it.
  at.host.files.set(`${folder}/next/request.pem`, (await request(at.want.names)).csr);
  await obtain({ ...at.want, profile: "short" }, { host: at.host, say: () => undefined, signal });
  expect(at.host.files.has(`${folder}/next/fullchain.pem`)).toBe(true);
  await at.real[Symbol.asyncDispose]();
  const away = obtain(at.want, { host: at.host, say: () => undefined, signal: AbortSignal.timeout(500) });
  await expect(away).rejects.toThrow();
  expect(at.host.files.has(`${folder}/next/fullchain.pem`)).toBe(false);
});

describe("what counts for the authority's limits", () => {
  const letsEncrypt = "https://acme-v02.api.letsencrypt.org/directory";
  const ledgerOf = (host: NotedHost) =>
    JSON.parse(host.files.get("/var/lib/onprem/acme/ledger.json") ?? JSON.stringify(emptyLedger)) as Ledger;

  test.each([
    ["by a run that was killed before it could count it: once", true, [undefined]],
    ["as a replacement: once, for no limit", true, ["ari"]],
    ["and was counted, however often it is tried to install it: no more", false, []],
  ] as const)("a chain that was got %s", async (_, isNoted, counted) => {
    const host = new NotedHost();
    const root = await issuer("Root");
    const { csr, publicKey } = await request([one]);
    const chain = async (key = publicKey) =>
      (await leaf(root, { names: [one], publicKey: new PublicKey(key) })).pem + root.pem;
    const put = (place: string, pem: string) => {
      host.files.set(`${folder}/${place}/fullchain.pem`, pem);
      const note = { directory: letsEncrypt, profile: "", fingerprint: fingerprintOf(pem) };
      host.files.set(`${folder}/${place}/issued.json`, JSON.stringify(note));
    };
    put("next", await chain());
    const isReplacement = counted.some((exempt) => exempt === "ari");
    if (isReplacement) put("live", await chain((await request([one])).publicKey));
    host.files.set(`${folder}/next/request.pem`, csr);
    if (isNoted) {
      const order = { directory: letsEncrypt, names: [one], profile: "", presented: [] };
      const note = { ...order, url: "https://acme-v02.api.letsencrypt.org/acme/order/1/1", replaced: isReplacement };
      host.files.set(`/var/lib/onprem/acme/order-${encodeURIComponent("etc/onprem/tls")}.json`, JSON.stringify(note));
    }
    const want = checked(acmeCertificate, {
      names: [one],
      directory: letsEncrypt,
      zone: { kind: "manual", zone: "vendor.dk" },
      resolvers: ["192.0.2.53"],
    }) as AcmeCertificateWant;
    for (let run = 0; run < 6; run += 1) await obtain(want, { host, say: () => undefined, signal });
    expect(ledgerOf(host).certificates.map(({ exempt }) => exempt)).toEqual(counted);
  });

  test("an order that is not taken for a replacement counts, and is refused before the authority is asked for it", async () => {
    const refusing: Behaviour["before"] = ({ path, payload }) =>
      path === "/order" && "replaces" in (payload as object) ? problem(409, "alreadyReplaced") : undefined;
    await using at = await authorities({}, { before: refusing });
    const { host: place } = new URL(at.real.directory);
    const known = limits as Record<string, Limits>;
    known[place] = limits["acme-v02.api.letsencrypt.org"] as Limits;
    try {
      await get(at.host, at.want);
      await get(at.host, at.want);
      expect(ledgerOf(at.host).orders.map(({ exempt }) => exempt)).toEqual([undefined, "ari", "renewal"]);
      expect(ledgerOf(at.host).certificates.map(({ exempt }) => exempt)).toEqual([undefined, "renewal"]);
      for (let run = 0; run < 3; run += 1) await get(at.host, at.want);
      const before = orders(at.real).length;
      await expect(get(at.host, at.want)).rejects.toThrow("allows 5 certificates for exactly");
      // The one that would have counted for nothing.
      expect(orders(at.real).length).toBe(before + 1);
      expect(ledgerOf(at.host).failures).toEqual([]);
    } finally {
      delete known[place];
    }
  });
});

describe("a rehearsal", () => {
  const rehearsal = async (
    ofTest: Behaviour,
    more: Partial<AcmeCertificateWant>,
    record = caa("vendor.dk", "x", ""),
  ) => {
    await using at = await authorities(ofTest);
    const records = [ns("vendor.dk", "ns.vendor.dk"), a("ns.vendor.dk", "192.0.2.7"), record];
    await using world = await worldOf({
      "192.0.2.53": resolverOf({ ".": [], dk: [], "vendor.dk": records }),
      "192.0.2.7": holderOf("vendor.dk", records),
    });
    const said: string[] = [];
    const say = (line: string) => said.push(line.replaceAll(/localhost:\d+/g, "test.dk"));
    const want = { ...at.want, ...more };
    await rehearse(want, (await request(want.names)).csr, {
      host: at.host,
      notes: new HostNotes(at.host, () => undefined),
      looking: {
        exchange: world.exchange,
        resolvers: [{ address: "192.0.2.53", port: 53 }],
        zone: "vendor.dk",
        say: (_, line) => say(line),
      },
      conversation: { ...conversation, say },
      solver: at.rehearsing.solver,
    });
    return { said, ordered: orders(at.rehearsing) };
  };

  test("asks for the profile where the test authority has it, and else for its usual one", async () => {
    const profiles = { short: "six days" };
    expect(await rehearsal({ meta: { profiles } }, { profile: "short" })).toEqual({
      said: ["asking the test authority test.dk first"],
      ordered: [`${one},${other} short`],
    });
    expect(await rehearsal({ meta: { profiles: { usual: "90 days" } } }, { profile: "short" })).toEqual({
      said: ["asking the test authority test.dk first", "test.dk has no profile short: it is asked for its usual one"],
      ordered: [`${one},${other}`],
    });
  });

  test("is left out where CAA records shut the test authority out, and that is said", async () => {
    const meta = { caaIdentities: ["test.dk"] };
    const pinned = caa("vendor.dk", "issue", "test.dk; accounturi=https://test.dk/another");
    const { said, ordered } = await rehearsal({ meta }, { names: [one] }, pinned);
    expect(ordered).toEqual([]);
    expect(said).toEqual([
      expect.stringMatching(
        /^the test authority test\.dk is not asked first: CAA records at vendor\.dk .* to another account alone/,
      ),
    ]);
    expect((await rehearsal({ meta }, { names: [one] })).ordered).toEqual([one]);
  });
});
