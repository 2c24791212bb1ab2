import type { Answer } from "dns-packet";
import { describe, expect, test } from "vitest";
import { Failure } from "../../../../infra/provider/failure.ts";
import { caaAgainst, challengesOf, refused } from "../../../../infra/provider/resources/acme-ready.ts";
import type { Behaviour } from "../dns/fake-server.ts";
import { a, caa, cname, holderOf, ns, resolverOf, worldOf, type Zones } from "../dns/fake-world.ts";

// DNS-1, DNS-5: what is looked at in DNS before an authority is asked for a certificate.

const name = "os2mo.kommune.dk";
const owner = `_acme-challenge.${name}`;
const vendor = "os2mo-on-prem.vendor.dk";
const target = `${owner}.${vendor}`;
const right = [cname(name, `${name}.${vendor}`), cname(owner, target)];
const resolver = { address: "198.51.100.53", port: 53 };
const what = `did not ask ca.vendor.dk for a certificate for ${name}`;
const ca = { domains: ["ca.vendor.dk"], accountUri: "https://ca.vendor.dk/account/1" };

const served = (zone: string, servers: Record<string, string>): Answer[] =>
  Object.entries(servers).flatMap(([label, address]) => [ns(zone, `${label}.${zone}`), a(`${label}.${zone}`, address)]);
const basis = served("kommune.dk", { ns1: "192.0.2.1", ns2: "192.0.2.2" });
const ofVendor = served(vendor, { ns: "192.0.2.7" });
const ofTop = served("dk", { ns: "192.0.2.9" });

interface Setting {
  /** The customer's, as a resolver has them, and each name server. */
  readonly records?: readonly Answer[];
  /** What the vendor's zone has. */
  readonly own?: readonly Answer[];
  /** Other servers in the place of these. */
  readonly servers?: Readonly<Record<string, Behaviour | "silent">>;
}

type Outcome<T> = { readonly result: T | Error; readonly said: readonly string[]; readonly asked: readonly string[] };

async function looking<T>(
  { records = right, own = [], servers = {} }: Setting,
  look: (looking: Parameters<typeof challengesOf>[0]) => Promise<T>,
): Promise<Outcome<T>> {
  const [customers, vendors] = [
    [...basis, ...records],
    [...ofVendor, ...own],
  ];
  const zones: Zones = { ".": [], dk: ofTop, "kommune.dk": customers, [vendor]: vendors };
  await using world = await worldOf({
    [resolver.address]: resolverOf(zones),
    "192.0.2.1": holderOf("kommune.dk", customers),
    "192.0.2.2": holderOf("kommune.dk", customers),
    "192.0.2.7": holderOf(vendor, vendors),
    "192.0.2.9": holderOf("dk", ofTop),
    ...servers,
  });
  const said: string[] = [];
  const result = await look({
    exchange: world.exchange,
    resolvers: [resolver],
    zone: vendor,
    say: (severity, line) => said.push(`${severity}: ${line}`),
  }).catch((error: Error) => error);
  return { result, said, asked: world.asked };
}

/** What the resolver was asked of names in the vendor's zone: it would remember that nothing stands there yet. */
const ofOurs = (asked: readonly string[]) =>
  asked.filter((query) => query.startsWith(`${resolver.address} `) && query.includes(`.kommune.dk.${vendor}`));

describe("the challenge's record", () => {
  const look = (setting: Setting, names = [name]) => looking(setting, (looking) => challengesOf(looking, names, what));
  const lacking = holderOf("kommune.dk", basis);

  test("that every name server has leads to where it is answered, and no resolver is asked for a name there", async () => {
    const { result, said, asked } = await look({});
    expect([result, said, ofOurs(asked)]).toEqual([new Map([[owner, target]]), [], []]);
    expect(asked).toContain(`192.0.2.1 ${owner} CNAME`);
    expect(asked).toContain(`192.0.2.2 ${owner} CNAME`);
  });

  test("may lead there by another name", async () => {
    const records = [cname(owner, "acme.kommune.dk"), cname("acme.kommune.dk", target)];
    expect((await look({ records })).result).toEqual(new Map([[owner, target]]));
  });

  test("is not needed of a name in the zone that we write to: nobody is asked", async () => {
    const { result, asked } = await look({}, [`test.${vendor}`]);
    const challenge = `_acme-challenge.test.${vendor}`;
    expect([result, asked]).toEqual([new Map([[challenge, challenge]]), []]);
  });

  test.each<[string, Setting]>([
    ["one name server lacks it", { servers: { "192.0.2.2": lacking } }],
    // The resolver has asked the one that lacks it.
    [
      "the resolver says that it is not there",
      { records: [], servers: { "192.0.2.1": holderOf("kommune.dk", [...basis, ...right]) } },
    ],
  ])("%s: that one is named, with what to do", async (_, setting) => {
    const { result } = await look(setting);
    expect(result).toBeInstanceOf(Failure);
    const { explanation } = result as Failure;
    expect(explanation.what).toBe(what);
    expect(explanation.why).toMatch(
      /^_acme-challenge\.os2mo\.kommune\.dk leads to \S+ at ns1\.kommune\.dk \(192\.0\.2\.1\), but there is no CNAME at ns2\.kommune\.dk \(192\.0\.2\.2\)\.$/,
    );
    expect(explanation.remedy).toContain("wait for the transfer to these servers");
    expect(explanation.remedy).toContain("npm run verify -- dns");
  });

  test("is missing everywhere: what the resolver says is told", async () => {
    const { result } = await look({ records: [] });
    expect((result as Failure).message).toContain("there is no CNAME, and the zone that we write to is");
  });

  test("another record stands beside it at a lax server", async () => {
    const beside: Behaviour = ({ question }) => [
      {
        authoritative: true,
        answers: [...right, a(owner, "192.0.2.80")].filter(
          (one) => one.name === question.name && one.type === question.type,
        ),
      },
    ];
    const { result } = await look({ servers: { "192.0.2.1": beside } });
    expect((result as Failure).message).toContain("Beside the CNAME at");
  });

  test("a name server that is silent, or does not hold the zone, forbids nothing while another has it", async () => {
    expect((await look({ servers: { "192.0.2.1": "silent" } })).result).toEqual(new Map([[owner, target]]));
    expect((await look({ servers: { "192.0.2.1": () => [{ rcode: 5 }] } })).result).toEqual(new Map([[owner, target]]));
  });

  test.each([
    ["silent", "silent" as const],
    ["answered by something in their place", () => [{ rcode: 5 }]],
  ])(
    "name servers that are all %s forbid nothing: what a resolver says counts, and that is said",
    async (_, server) => {
      const { result, said } = await look({ servers: { "192.0.2.1": server, "192.0.2.2": server } });
      expect(result).toEqual(new Map([[owner, target]]));
      expect(said).toEqual([
        `info: the name servers of kommune.dk cannot be asked for ${owner} from here: what a resolver says of it counts`,
      ]);
    },
  );
});

describe("CAA (RFC 8659, RFC 8657)", () => {
  const look = async (setting: Setting, authority: Parameters<typeof caaAgainst>[2] = ca) => {
    const { result, ...rest } = await looking(setting, (looking) => caaAgainst(looking, [name], authority));
    return { found: (result as Awaited<ReturnType<typeof caaAgainst>>).map(({ said }) => said), ...rest };
  };

  test.each<[string, Answer[]]>([
    ["none", []],
    ["ours is named", [caa("kommune.dk", "issue", "ca.vendor.dk")]],
    [
      "our account is named",
      [caa("kommune.dk", "issue", `ca.vendor.dk; accounturi=${ca.accountUri}; validationmethods=dns-01`)],
    ],
  ])("%s: nothing stands against it", async (_, records) => {
    const { found, said, asked } = await look({ records: [...right, ...records] });
    expect([found, said, ofOurs(asked)]).toEqual([[], [], []]);
  });

  test.each<[string, string, string]>([
    ["another authority", "other.dk", "do not let ca.vendor.dk issue: "],
    [
      "another account",
      "ca.vendor.dk; accounturi=https://ca.vendor.dk/account/2",
      "let ca.vendor.dk issue to another account alone: ",
    ],
    ["another method", "ca.vendor.dk; validationmethods=http-01", "do not let ca.vendor.dk issue by dns-01: "],
  ])("%s is named above the host", async (_, value, said) => {
    const { found } = await look({ records: [...right, caa("kommune.dk", "issue", value)] });
    expect(found).toEqual([
      `CAA records at kommune.dk (found by ${name} → kommune.dk) ${said}0 issue ${JSON.stringify(value)}.`,
    ]);
  });

  test("what stands where the host's CNAME leads counts, asked for without a resolver", async () => {
    const { found, asked } = await look({ own: [caa(`${name}.${vendor}`, "issue", "other.dk")] });
    expect(found).toEqual([expect.stringContaining(`CAA records at ${name}.${vendor}`)]);
    expect(ofOurs(asked)).toEqual([]);
  });

  test("name servers that answer with an error: an authority would refuse", async () => {
    const failing =
      (zone: string, records: readonly Answer[]): Behaviour =>
      (asked) =>
        asked.question.type === "CAA" ? [{ rcode: 2 }] : holderOf(zone, records)(asked);
    const server = failing("kommune.dk", [...basis, ...right]);
    const { found } = await look({ servers: { "192.0.2.1": server, "192.0.2.2": server } });
    expect(found).toEqual([expect.stringContaining(`the question for CAA records at ${name} gets SERVFAIL`)]);
  });

  test("name servers that cannot be asked from here forbid nothing, and that is said", async () => {
    const { found, said } = await look({ servers: { "192.0.2.1": "silent", "192.0.2.2": "silent" } });
    expect([found, said]).toEqual([
      [],
      [`info: CAA records at ${name} cannot be asked for from here, and are not looked at`],
    ]);
  });

  test("of an authority that does not say how it is named there, nobody is asked", async () => {
    const { found, asked } = await look({}, { domains: [] });
    expect([found, asked]).toEqual([[], []]);
  });
});

test("what is said of several names is said once", () => {
  const finding = { kind: "caa", severity: "wrong", said: "x", remedy: "y", where: [] } as const;
  expect(refused(what, [finding, finding]).explanation).toEqual({
    what,
    why: "x",
    remedy: "y\n`npm run verify -- dns STACK` looks again, at the host's own record too.",
  });
});
