import { beforeAll, describe, expect, test } from "vitest";
import { chainProblems } from "../../../../infra/provider/acme/chain.ts";
import { clientAuth, type Issuer, inDays, issuer, leaf, privatePem, publicPem } from "./certificates.ts";

let root: Issuer;
let middle: Issuer;
let stranger: Issuer;
let server: Issuer;

beforeAll(async () => {
  root = await issuer("Root");
  middle = await issuer("Middle", root);
  stranger = await issuer("Stranger");
  server = await leaf(middle, { names: ["a.kommune.dk", "*.b.kommune.dk"] });
});

async function problems(chain: string, expected: { names?: string[]; roots?: string; key?: Issuer; now?: Date } = {}) {
  const { names = ["a.kommune.dk"], key = server, now = new Date(), ...rest } = expected;
  return chainProblems(chain, { names, publicKey: await publicPem(key.keys), now, ...rest });
}

describe("nothing is wrong", () => {
  test.each([
    { with: "an intermediate", chain: () => server.pem + middle.pem, expected: () => ({}) },
    { with: "a root that is trusted", chain: () => server.pem + middle.pem, expected: () => ({ roots: root.pem }) },
    {
      with: "the root at its end, one of several that are trusted",
      chain: () => server.pem + middle.pem + root.pem,
      expected: () => ({ roots: stranger.pem + root.pem }),
    },
    { with: "no intermediate, where it is trusted", chain: () => server.pem, expected: () => ({ roots: middle.pem }) },
    {
      with: "a name below its wildcard, and the wildcard itself",
      chain: () => server.pem + middle.pem,
      expected: () => ({ names: ["x.b.kommune.dk", "A.Kommune.dk", "*.b.kommune.dk"] }),
    },
  ])("with $with", async ({ chain, expected }) => {
    expect(await problems(chain(), expected())).toEqual([]);
  });
});

test.each([
  { chain: () => "", says: ["there is no certificate in it"] },
  { chain: () => server.pem, says: ['the certificate of its issuer is missing: "Middle"'] },
  {
    chain: () => server.pem + stranger.pem,
    says: ['"a.kommune.dk" is followed by "Stranger", which did not issue it'],
  },
  {
    chain: () => server.pem + root.pem + middle.pem,
    says: [
      'the order is wrong: "a.kommune.dk" must be followed by "Middle", which issued it',
      '"Root" is followed by "Middle", which did not issue it',
    ],
  },
  {
    chain: () => middle.pem + server.pem,
    says: [
      "it is not for a.kommune.dk: it has no names",
      "it is for another key than the server's",
      "its first certificate is an authority's, not a server's",
      '"Middle" is followed by "a.kommune.dk", which did not issue it',
    ],
  },
])("a chain that is none: $says", async ({ chain, says }) => {
  expect(await problems(chain())).toEqual(says);
});

test("all that is wrong with a certificate, at once", async () => {
  const notAfter = inDays(-1);
  const made = await leaf(middle, {
    names: ["a.kommune.dk"],
    usages: [clientAuth],
    notBefore: inDays(-90),
    notAfter,
  });
  const names = ["b.kommune.dk", "a.kommune.dk", "*.kommune.dk"];
  expect(await problems(made.pem + middle.pem + (await privatePem(made.keys)), { names, roots: stranger.pem })).toEqual(
    [
      "it has a private key in it",
      "it is not for b.kommune.dk, *.kommune.dk: it has a.kommune.dk",
      "it is for another key than the server's",
      "it is not for servers: its extended key usage leaves out server authentication",
      `"a.kommune.dk" expired at ${notAfter.toISOString()}`,
      'it does not lead to a trusted root: "Middle" was issued by "Root"',
    ],
  );
});

test("a clock that is wrong, and an intermediate that expires before the certificate", async () => {
  const now = inDays(-2);
  const says = (await problems(server.pem + middle.pem, { now })).join("\n");
  expect(says).toMatch(/^"a.kommune.dk" is not valid before .*, and it is .* by the clock here, which may be wrong\n/);
  const short = await issuer("Short", root, { notAfter: inDays(1) });
  const made = await leaf(short, { names: ["a.kommune.dk"] });
  expect(await problems(made.pem + short.pem, { key: made, now: inDays(2) })).toEqual([
    expect.stringMatching(/^"Short" expired at /),
  ]);
});

test("a certificate that nobody vouches for", async () => {
  const alone = await issuer("a.kommune.dk");
  expect(await problems(alone.pem, { key: alone, names: [] })).toEqual([
    "its first certificate is an authority's, not a server's",
    '"a.kommune.dk" is signed by itself, so no authority vouches for it',
  ]);
});
