import { describe, expect, test } from "vitest";
import type { Expected } from "../../../../infra/provider/dns/expected.ts";
import type {
  AnsweringResolver,
  AnsweringServer,
  Observation,
  ServerView,
} from "../../../../infra/provider/dns/observation.ts";
import { isGreen, judge } from "../../../../infra/provider/dns/verdict.ts";

const suffix = "os2mo-on-prem.magentahosted.dk";
const host: Expected = { owner: "os2mo.kommune.dk", target: `os2mo.kommune.dk.${suffix}`, purpose: "host" };
const challenge: Expected = {
  owner: "_acme-challenge.os2mo.kommune.dk",
  target: `_acme-challenge.os2mo.kommune.dk.${suffix}`,
  purpose: "challenge",
};

/** One of two name servers, with the record as it must be unless told otherwise. */
function server(number: 1 | 2, rest: Partial<AnsweringServer> = {}, { target }: Expected = host): AnsweringServer {
  const { target: leads = target, ...others } = rest;
  const name = `ns${number}.kommune.dk`;
  const view = { name, address: `192.0.2.${number}`, rcode: "NOERROR", authoritative: true, others: [] };
  return { ...view, ...(leads === none ? {} : { target: leads }), ...others };
}

/** No CNAME. */
const none = "";

const failed = (number: 1 | 2, why: "silent" | "refused" | "no route"): ServerView => ({
  name: `ns${number}.kommune.dk`,
  address: `192.0.2.${number}`,
  failed: why,
});

/** A resolver that leads along these names, from the owner on. */
function resolver(names: readonly string[], rest: Partial<AnsweringResolver> = {}): AnsweringResolver {
  const chain = [host.owner, ...names];
  return { resolver: "9.9.9.9", rcode: "NOERROR", chain, loop: false, addresses: ["10.1.2.3"], texts: [], ...rest };
}

const right = resolver([host.target]);
const inside = (view: AnsweringResolver): AnsweringResolver => ({ ...view, resolver: "10.0.0.53" });
const empty = { addresses: [] };

/** All is well, but for what is told. */
function seen(rest: Partial<Observation> = {}): Observation {
  return { zone: "kommune.dk", apex: false, servers: [server(1), server(2)], outside: [right], ...rest };
}

const both = (rest: Partial<AnsweringServer>) => ({ servers: [server(1, rest), server(2, rest)] });
/** The same for the challenge record: only what leads on counts there. */
function seenOfChallenge(rest: Partial<Observation> = {}): Observation {
  const chain = [challenge.owner, challenge.target];
  return {
    ...seen(),
    servers: [server(1, {}, challenge), server(2, {}, challenge)],
    outside: [{ ...right, ...empty, rcode: "NXDOMAIN", chain }],
    ...rest,
  };
}

const kinds = (expected: Expected, observation: Observation) =>
  judge(expected, observation).map(({ kind, severity }) => (severity === "wrong" ? kind : `(${kind})`));

/** A finding of a kind, or a failure. */
function one(kind: string, expected: Expected, observation: Observation) {
  const [finding, ...more] = judge(expected, observation).filter((each) => each.kind === kind);
  expect(more).toEqual([]);
  if (finding === undefined) throw new Error(`no ${kind} among ${kinds(expected, observation)}`);
  return finding;
}

describe("which findings there are; warnings in parentheses (DNS-3 to DNS-9)", () => {
  const a = { type: "A", data: "192.0.2.80" };
  const long = Array.from({ length: 7 }, (_, at) => `${at}.${suffix}`);
  const elsewhere = "portal.kommune.dk";

  test.each<[string, Observation, string[]]>([
    ["all is well", seen(), []],
    ["and inside too", seen({ inside: [inside(right)] }), []],
    [
      "nobody has it",
      seen({ ...both({ target: none, rcode: "NXDOMAIN" }), outside: [resolver([], empty)] }),
      ["missing"],
    ],
    ["an address in its place", seen({ ...both({ target: none, others: [a] }), outside: [resolver([])] }), ["missing"]],
    [
      "it leads elsewhere",
      seen({ ...both({ target: elsewhere }), outside: [resolver([elsewhere])] }),
      ["wrong-target"],
    ],
    [
      "without the dot, zone",
      seen({ ...both({ target: `${host.target}.kommune.dk` }), outside: [resolver(["x"])] }),
      ["closing-dot"],
    ],
    [
      "without the dot, a name in the zone",
      seen({ ...both({ target: `${host.target}.os2mo.kommune.dk` }), outside: [resolver(["x"])] }),
      ["closing-dot"],
    ],
    [
      "a longer name that is no zone of ours",
      seen({ ...both({ target: `${host.target}.example.dk` }), outside: [resolver(["x"])] }),
      ["wrong-target"],
    ],
    [
      "the owner doubled",
      seen({ ...both({ target: none, doubled: host.target }), outside: [resolver([], empty)] }),
      ["owner-doubled"],
    ],
    [
      "owner and target doubled",
      seen({ ...both({ target: none, doubled: `${host.target}.kommune.dk` }), outside: [resolver([], empty)] }),
      ["owner-doubled"],
    ],
    [
      "a wildcard at the doubled name",
      seen({ ...both({ target: none, doubled: elsewhere }), outside: [resolver([], empty)] }),
      ["missing"],
    ],
    ["others beside it", seen(both({ others: [a] })), ["other-records"]],
    [
      "others beside a wrong one",
      seen({ ...both({ target: elsewhere, others: [a] }), outside: [resolver([elsewhere])] }),
      ["wrong-target", "other-records"],
    ],
    [
      "the top of a zone",
      seen({ zone: host.owner, apex: true, ...both({ target: none, others: [a] }), outside: [resolver([])] }),
      ["apex"],
    ],
    ["one server has it not", seen({ servers: [server(1), server(2, { target: none })] }), ["partial"]],
    ["one server has another", seen({ servers: [server(1), server(2, { target: elsewhere })] }), ["partial"]],
    [
      "one has none, one another",
      seen({
        servers: [server(1, { target: none }), server(2, { target: elsewhere })],
        outside: [resolver([elsewhere])],
      }),
      ["wrong-target"],
    ],
    ["one server is silent", seen({ servers: [server(1), failed(2, "silent")] }), ["(server-silent)"]],
    [
      "one is silent, and the other has it not",
      seen({ servers: [server(1, { target: none }), failed(2, "silent")], outside: [resolver([], empty)] }),
      ["missing", "server-silent"],
    ],
    [
      "all are silent; resolvers have it",
      seen({ servers: [failed(1, "silent"), failed(2, "silent")] }),
      ["(server-silent)"],
    ],
    [
      "all are silent; resolvers have it not",
      seen({ servers: [failed(1, "silent")], outside: [resolver([], { ...empty, rcode: "NXDOMAIN" })] }),
      ["missing", "server-silent"],
    ],
    [
      "a name server without an address",
      seen({ servers: [server(1), { name: "ns9.kommune.dk", failed: "no address" }] }),
      ["(server-silent)"],
    ],
    [
      "no IPv6 here, and IPv4 answers",
      seen({ servers: [server(1), { ...failed(1, "no route"), address: "2001:db8::1" }] }),
      [],
    ],
    [
      "no route, and nothing else of that name",
      seen({ servers: [server(1), failed(2, "no route")] }),
      ["(server-silent)"],
    ],
    [
      "IPv6 is silent, and IPv4 answers",
      seen({ servers: [server(1), { ...failed(1, "silent"), address: "2001:db8::1" }] }),
      ["(server-silent)"],
    ],
    [
      "one server is lame",
      seen({ servers: [server(1), server(2, { target: none, rcode: "REFUSED", authoritative: false })] }),
      ["(lame)"],
    ],
    ["one has it without authority", seen({ servers: [server(1), server(2, { authoritative: false })] }), ["(lame)"]],
    [
      "one has its zone broken",
      seen({ servers: [server(1), server(2, { target: none, rcode: "SERVFAIL" })] }),
      ["(lame)"],
    ],
    [
      "a circle behind the target",
      seen({ outside: [resolver([host.target, "b.dk", host.target], { ...empty, loop: true, rcode: "SERVFAIL" })] }),
      ["loop"],
    ],
    [
      "it leads to itself",
      seen({
        ...both({ target: host.owner }),
        outside: [resolver([host.owner], { ...empty, loop: true, rcode: "SERVFAIL" })],
      }),
      ["wrong-target", "loop"],
    ],
    ["eight names", seen({ outside: [resolver([host.target, ...long.slice(1)])] }), []],
    ["nine names", seen({ outside: [resolver([host.target, ...long])] }), ["too-long"]],
    [
      "bad signatures",
      seen({ outside: [resolver([host.target], { rcode: "SERVFAIL", bogus: host.owner })] }),
      ["bogus"],
    ],
    [
      "bad signatures, and no record",
      seen({
        servers: [failed(1, "silent")],
        outside: [resolver([], { ...empty, rcode: "SERVFAIL", bogus: host.owner })],
      }),
      ["missing", "server-silent", "bogus"],
    ],
    [
      "bad signatures, and no address",
      seen({ outside: [resolver([host.target], { ...empty, rcode: "SERVFAIL", bogus: host.target })] }),
      ["bogus"],
    ],
    [
      "bad signatures inside alone",
      seen({ inside: [inside(resolver([host.target], { ...empty, rcode: "SERVFAIL", bogus: host.target }))] }),
      ["bogus"],
    ],
    ["no address yet", seen({ outside: [resolver([host.target], { ...empty, rcode: "NXDOMAIN" })] }), ["(no-address)"]],
    [
      "the target's zone is out of order",
      seen({ outside: [resolver([host.target], { ...empty, rcode: "SERVFAIL" })] }),
      ["(no-address)"],
    ],
    ["one resolver has the address", seen({ outside: [right, resolver([host.target], empty)] }), []],
    ["an old answer outside", seen({ outside: [right, resolver([], empty)] }), ["(outside-differs)"]],
    ["old answers alone", seen({ outside: [resolver([], empty)] }), ["(outside-differs)"]],
    [
      "one resolver has trouble",
      seen({ outside: [right, resolver([], { ...empty, rcode: "SERVFAIL" })] }),
      ["(outside-differs)"],
    ],
    [
      "one resolver is silent",
      seen({ outside: [right, { resolver: "9.9.9.9", failed: "silent" }] }),
      ["(server-silent)"],
    ],
    ["all resolvers have trouble", seen({ outside: [resolver([], { ...empty, rcode: "SERVFAIL" })] }), ["unreachable"]],
    [
      "none answers",
      { apex: false, servers: [], outside: [{ resolver: "9.9.9.9", failed: "silent" }] },
      ["unreachable"],
    ],
    ["no resolver was given", { apex: false, servers: [], outside: [] }, ["unreachable"]],
    ["no zone was found; resolvers have it", { apex: false, servers: [], outside: [right] }, []],
    [
      "no zone was found; resolvers differ",
      { apex: false, servers: [], outside: [right, resolver([], empty)] },
      ["partial"],
    ],
  ])("%s", (_, observation, found) => {
    expect(kinds(host, observation)).toEqual(found);
    expect(isGreen(judge(host, observation))).toBe(found.every((kind) => kind.startsWith("(")));
  });
});

describe("inside and outside (Q-SRV-13): users are inside, the authority is outside", () => {
  const wrong = inside(resolver([], { addresses: ["10.9.9.9"] }));
  const nothing = inside(resolver([], empty));
  const elsewhere = inside(resolver(["portal.kommune.dk"]));
  const publicly = { outside: [resolver([host.target], { addresses: ["192.0.2.80"] })] };
  const emptied = (rcode: string) => inside(resolver([host.target], { ...empty, rcode }));
  const silent = { resolver: "10.0.0.53", failed: "silent" as const };

  test.each<[string, Partial<Observation>, string[]]>([
    ["the host has an address of its own", { inside: [wrong] }, ["inside-differs"]],
    ["it is not there", { inside: [nothing] }, ["inside-differs"]],
    [
      "it leads elsewhere",
      { inside: [elsewhere], outside: [resolver([host.target], { addresses: ["10.1.2.4"] })] },
      ["inside-differs"],
    ],
    ["another record, but the same address", { inside: [inside(resolver([]))] }, ["(inside-differs)"]],
    [
      "the target has another address",
      { inside: [inside(resolver([host.target], { addresses: ["10.9.9.9"] }))] },
      ["inside-differs"],
    ],
    ["it cannot be asked for", { inside: [inside(resolver([], { ...empty, rcode: "SERVFAIL" }))] }, ["inside-differs"]],
    ["the target cannot be asked for", { inside: [emptied("SERVFAIL")] }, ["inside-differs"]],
    ["the private address is withheld", { inside: [emptied("NOERROR")] }, ["filtered-inside"]],
    ["the same, as a name that is not there", { inside: [emptied("NXDOMAIN")] }, ["filtered-inside"]],
    ["an address that is not private is missing", { inside: [emptied("NOERROR")], ...publicly }, ["inside-differs"]],
    [
      "no address anywhere",
      { inside: [emptied("NOERROR")], outside: [resolver([host.target], empty)] },
      ["(no-address)"],
    ],
    ["its resolver is silent", { inside: [silent] }, ["(server-silent)"]],
    ["one of two is silent", { inside: [silent, inside(right)] }, ["(server-silent)"]],
    ["one of two differs", { inside: [inside(right), wrong] }, ["inside-differs"]],
    [
      "missing on both sides is one finding",
      { ...both({ target: none }), outside: [resolver([], empty)], inside: [nothing] },
      ["missing"],
    ],
    [
      "missing inside, and outside only not heard of yet",
      { outside: [resolver([], empty)], inside: [nothing] },
      ["(outside-differs)", "inside-differs"],
    ],
    [
      "missing outside, another mistake inside",
      { ...both({ target: none }), outside: [resolver([], empty)], inside: [elsewhere] },
      ["missing", "inside-differs"],
    ],
    [
      "right inside alone",
      { ...both({ target: none }), outside: [resolver([], empty)], inside: [inside(right)] },
      ["missing"],
    ],
    [
      "outside is silent, inside is right",
      { zone: "", servers: [], outside: [silent], inside: [inside(right)] },
      ["unreachable"],
    ],
    [
      "outside is silent, inside it is missing",
      { servers: [], outside: [silent], inside: [nothing] },
      ["unreachable", "inside-differs"],
    ],
    ["a circle inside", { inside: [inside(resolver([host.target, host.owner], { ...empty, loop: true }))] }, ["loop"]],
    ["the top of a zone", { apex: true, inside: [nothing] }, ["apex"]],
  ])("%s", (_, rest, found) => {
    expect(kinds(host, seen(rest))).toEqual(found);
  });

  test.each<[string, readonly string[], Partial<AnsweringResolver>, string[]]>([
    ["is not there", [], { rcode: "NXDOMAIN" }, ["(inside-differs)"]],
    ["leads elsewhere", ["x.kommune.dk"], {}, ["(inside-differs)"]],
    ["cannot be asked for", [], { rcode: "SERVFAIL" }, ["(inside-differs)"]],
    ["is right", [challenge.target], {}, []],
    ["is right, and its end cannot be asked for", [challenge.target], { rcode: "SERVFAIL" }, []],
  ])("a challenge record inside that %s is no more than a warning", (_, names, rest, found) => {
    const view = inside({ ...resolver([], { ...empty, ...rest }), chain: [challenge.owner, ...names] });
    expect(kinds(challenge, seenOfChallenge({ inside: [view] }))).toEqual(found);
  });
});

describe("the end of a challenge record is there only while a certificate is issued", () => {
  const chain = [challenge.owner, challenge.target];
  test.each([
    ["NXDOMAIN", []],
    ["NOERROR", []],
    ["SERVFAIL", ["(no-address)"]],
    ["no answer", ["(no-address)"]],
  ])("%s", (rcode, found) => {
    expect(kinds(challenge, seenOfChallenge({ outside: [{ ...right, ...empty, rcode, chain }] }))).toEqual(found);
  });
});

describe("what is said names names, servers and values, and the remedy the record", () => {
  const line = "`os2mo.kommune.dk. CNAME os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk.`";
  const a = { type: "A", data: "192.0.2.80" };
  const bad = { type: "TXT", data: '"old"' };
  const deaf = { outside: [resolver([], empty)] };
  const servers = ["ns1.kommune.dk (192.0.2.1)", "ns2.kommune.dk (192.0.2.2)"];

  test("missing", () => {
    expect(one("missing", host, seen({ ...both({ target: none }), ...deaf }))).toEqual({
      kind: "missing",
      severity: "wrong",
      where: servers,
      said: "os2mo.kommune.dk has no CNAME record: asked at ns1.kommune.dk (192.0.2.1) and ns2.kommune.dk (192.0.2.2).",
      remedy: `Create it in the zone kommune.dk: ${line}.`,
    });
  });

  test("missing, and something else in its place", () => {
    const { said, remedy } = one("missing", host, seen({ ...both({ target: none, others: [bad, a] }), ...deaf }));
    expect(said).toContain('In its place there stand: A 192.0.2.80; TXT "old".');
    expect(remedy).toMatch(/^Remove what stands at this name itself.*flattening.*Create it in the zone kommune\.dk/s);
  });

  test("missing, for the whole domain is", () => {
    const { said, remedy } = one("missing", host, seen({ zone: "dk", ...both({ target: none }), ...deaf }));
    expect(said).toContain("Above it there is no zone but dk: the customer's domain does not exist.");
    expect(remedy).toBe(
      `Look for a slip in the domain's name; if it is right, it must be registered and delegated first. Create it: ${line}.`,
    );
  });

  test("missing, in a zone that is not known", () => {
    const finding = one("missing", host, { apex: false, servers: [], outside: [resolver([], empty)] });
    expect([finding.said, finding.remedy]).toEqual([
      "os2mo.kommune.dk has no CNAME record: asked at 9.9.9.9.",
      `Create it: ${line}.`,
    ]);
  });

  test("missing, but in the internal zone", () => {
    const { said, remedy } = one(
      "missing",
      host,
      seen({ ...both({ target: none }), ...deaf, inside: [inside(right)] }),
    );
    expect(said).toContain("Inside it is right (10.0.0.53): it was created in the internal zone alone.");
    expect(remedy).toContain("it must also stand in the public zone (Q-SRV-13)");
  });

  test("wrong-target, by each server", () => {
    const views = [server(1, { target: "a.dk" }), server(2, { target: "b.dk" })];
    const { said, remedy, where } = one("wrong-target", host, seen({ servers: views, outside: [resolver(["a.dk"])] }));
    expect(said).toBe(
      "os2mo.kommune.dk leads to a.dk at ns1.kommune.dk (192.0.2.1) and to b.dk at ns2.kommune.dk (192.0.2.2); it must lead to os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk.",
    );
    expect(remedy).toContain(`Change the record to ${line}`);
    expect(where).toEqual(servers);
  });

  test("wrong-target, for the challenge's label is missing on its right side (DNS-6)", () => {
    const views = [server(1, { target: host.target }, challenge)];
    const chain = [challenge.owner, host.target];
    const { said } = one(
      "wrong-target",
      challenge,
      seenOfChallenge({ servers: views, outside: [{ ...right, chain }] }),
    );
    expect(said).toContain("The label _acme-challenge must stand first on both sides (DNS-6).");
  });

  test("closing-dot (DNS-9)", () => {
    const target = `${host.target}.kommune.dk`;
    const { said, remedy } = one("closing-dot", host, seen({ ...both({ target }), outside: [resolver([target])] }));
    expect(said).toContain(`leads to ${target}: the closing dot of the target was left out`);
    expect(said).toContain("put kommune.dk behind it (DNS-9)");
    expect(remedy).toBe(`Enter the target with a dot at its end: ${line}.`);
  });

  test("owner-doubled (DNS-9)", () => {
    const { said, remedy } = one(
      "owner-doubled",
      host,
      seen({ ...both({ target: none, doubled: host.target }), ...deaf }),
    );
    expect(said).toContain("os2mo.kommune.dk has no CNAME record, but os2mo.kommune.dk.kommune.dk has");
    expect(remedy).toContain("create it in the zone kommune.dk by the name `os2mo`, or with a closing dot");
  });

  test("other-records (DNS-8), from all servers once", () => {
    const views = [server(1, { others: [bad, a] }), server(2, { others: [a] })];
    const { said, where } = one("other-records", host, seen({ servers: views }));
    expect(said).toContain('Beside the CNAME at os2mo.kommune.dk there stand: A 192.0.2.80; TXT "old" (ns1');
    expect(where).toEqual(servers);
  });

  test("apex (DNS-8)", () => {
    const { said, remedy } = one("apex", host, seen({ zone: host.owner, apex: true }));
    expect(said).toContain("os2mo.kommune.dk is the top of a zone");
    expect(remedy).toContain("choose a host name below it, such as os2mo.os2mo.kommune.dk");
    expect(one("apex", challenge, seenOfChallenge({ apex: true })).remedy).not.toContain("choose a host name");
  });

  test("partial: who has it, and who has not", () => {
    const { said, where } = one("partial", host, seen({ servers: [server(1), server(2, { target: none })] }));
    expect(said).toBe(
      "os2mo.kommune.dk leads to os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk at ns1.kommune.dk (192.0.2.1), but there is no CNAME at ns2.kommune.dk (192.0.2.2).",
    );
    expect(where).toEqual(["ns2.kommune.dk (192.0.2.2)"]);
  });

  test("server-silent: each with its reason", () => {
    const views = [server(1), failed(2, "refused"), { name: "ns9.kommune.dk", failed: "no address" as const }];
    const { said } = one("server-silent", host, seen({ servers: views }));
    expect(said).toBe(
      "Not all of the name servers of kommune.dk answer: ns2.kommune.dk (192.0.2.2): nobody listens on port 53 and ns9.kommune.dk: its name has no address.",
    );
    const all = one("server-silent", host, seen({ servers: [failed(1, "silent")] }));
    expect(all.said).toContain("None of the name servers of kommune.dk answer");
    expect(all.remedy).toContain("Let this machine reach port 53");
  });

  test("lame", () => {
    const view = server(2, { target: none, rcode: "REFUSED", authoritative: false });
    expect(one("lame", host, seen({ servers: [server(1), view] })).said).toBe(
      "Name servers of kommune.dk do not hold it: ns2.kommune.dk (192.0.2.2): REFUSED, without authority.",
    );
  });

  test("loop: by whom it is mended", () => {
    const far = resolver([host.target, host.owner], { ...empty, loop: true });
    const finding = one("loop", host, seen({ outside: [far] }));
    expect(finding.said).toContain(`os2mo.kommune.dk → ${host.target} → os2mo.kommune.dk (9.9.9.9)`);
    expect(finding.remedy).toContain("is the vendor's to mend");
    const near = { ...both({ target: host.owner }), outside: [resolver([host.owner], { ...empty, loop: true })] };
    expect(one("loop", host, seen(near)).remedy).toContain(line);
  });

  test("bogus: whose signatures, inside and outside once", () => {
    const view = (name: string) => resolver([host.target], { rcode: "SERVFAIL", bogus: name });
    const finding = one("bogus", host, seen({ outside: [view(host.owner)], inside: [inside(view(host.owner))] }));
    expect(finding.said).toContain("signatures of os2mo.kommune.dk do not hold: 9.9.9.9 and 10.0.0.53 (inside) answer");
    expect(finding.remedy).toContain("Whoever runs the zone must sign it again");
    expect(one("bogus", host, seen({ outside: [view(host.target)] })).remedy).toContain(
      "The vendor must sign it again",
    );
  });

  test("outside-differs", () => {
    const views = [
      right,
      resolver(["old.dk"], { resolver: "1.1.1.1" }),
      resolver([], { ...empty, rcode: "REFUSED", resolver: "8.8.8.8" }),
    ];
    const { said, where } = one("outside-differs", host, seen({ outside: views }));
    expect(said).toContain("but 1.1.1.1 gives old.dk and 8.8.8.8 gives REFUSED.");
    expect(where).toEqual(["1.1.1.1", "8.8.8.8"]);
  });

  test("inside-differs: what it means for users", () => {
    const differs = (view: AnsweringResolver) => one("inside-differs", host, seen({ inside: [inside(view)] }));
    expect(differs(resolver([], { addresses: ["10.9.9.9"] })).said).toContain(
      "Inside, at 10.0.0.53, os2mo.kommune.dk has no CNAME but 10.9.9.9; it must lead to",
    );
    expect(differs(resolver([], empty)).said).toContain("Users are inside, and do not reach the server so.");
    expect(differs(resolver([])).said).toContain("The address is the right one today");
    expect(differs(resolver(["old.dk"], empty)).remedy).toContain(`create ${line} in the internal one too (Q-SRV-13)`);
    expect(differs(resolver([], { ...empty, rcode: "SERVFAIL" })).said).toContain("os2mo.kommune.dk gets SERVFAIL");
    expect(differs(resolver([host.target], { addresses: ["10.9.9.9"] })).said).toContain(
      "but from there to 10.9.9.9; outside it is 10.1.2.3.",
    );
  });

  test("filtered-inside: how the vendor's suffix is let through", () => {
    const view = inside(resolver([host.target], empty));
    const { said, remedy, where } = one("filtered-inside", host, seen({ inside: [view] }));
    expect(said).toContain("while outside it is 10.1.2.3: the resolver withholds private addresses");
    expect(remedy).toContain(`rebind-domain-ok=/${suffix}/`);
    expect(remedy).toContain(`private-domain: "${suffix}"`);
    expect(where).toEqual(["10.0.0.53"]);
  });

  test("no-address is the vendor's task", () => {
    const view = resolver([host.target], { ...empty, rcode: "NXDOMAIN" });
    const { said, remedy } = one("no-address", host, seen({ outside: [view] }));
    expect(said).toBe(`os2mo.kommune.dk is right, but ${host.target} has no address yet (9.9.9.9: NXDOMAIN).`);
    expect(remedy).toContain(`the vendor's task, in the zone of ${suffix}`);
  });

  test("unreachable: silence, or an error of each", () => {
    const silent = { zone: "kommune.dk", apex: false, servers: [] };
    const none = one("unreachable", host, { ...silent, outside: [{ resolver: "9.9.9.9", failed: "silent" }] });
    expect(none.said).toBe(
      "No outside resolver answers, so nothing can be said of os2mo.kommune.dk: 9.9.9.9 (silent).",
    );
    const view = resolver([], { ...empty, rcode: "SERVFAIL" });
    expect(one("unreachable", host, { ...silent, outside: [view] }).said).toBe(
      "No outside resolver can tell of os2mo.kommune.dk: 9.9.9.9 (SERVFAIL).",
    );
  });
});

test("the order of servers changes no kind, and nothing that is seen is changed", () => {
  const views = [server(1), server(2, { target: none })];
  const observation = seen({ servers: views, inside: [inside(right)] });
  const before = structuredClone(observation);
  expect(kinds(host, { ...observation, servers: views.toReversed() })).toEqual(kinds(host, observation));
  expect(observation).toEqual(before);
});
