import { expect, test } from "vitest";
import { mistakesAcross } from "../../../infra/settings/across.ts";
import { completeManagement, management } from "../../../infra/settings/management.ts";

const fingerprint = Array(32).fill("ab").join(":");
const salt = { version: "3007.15", masterFingerprint: fingerprint };
const login = { host: "10.99.0.4", hostKey: "ssh-ed25519 AAAA" };

const mistakes = (given: object, saltMaster = ["10.99.0.4/32"]) =>
  mistakesAcross(
    { management: { salt: given }, firewall: { saltMaster } },
    { management: { salt: given } },
    () => false,
  )
    .filter(({ path }) => path.startsWith("management"))
    .map(({ path, reason }) => `${path} ${reason}`);

test("ACC-3: the master is the first that the firewall opens, and the minion is called as its server", () => {
  expect(completeManagement(management.parse({ salt }), ["10.99.0.4/32", "fd00::4/128"], "os2mo.naerum.dk")).toEqual({
    salt: { ...salt, master: "10.99.0.4", minionId: "os2mo.naerum.dk", keyVersion: 1, replaceKey: false },
  });
});

test("Q-SRV-6: a master that the firewall does not open is refused", () => {
  expect(mistakes({ ...salt, master: "10.99.0.4" })).toEqual([]);
  expect(mistakes({ ...salt, master: "10.99.0.5" })).toEqual([
    'management.salt.master must be one of firewall.saltMaster, which are the only ones that 4505 and 4506 are opened to; given: "10.99.0.5"',
  ]);
});

test("NET-3: a gate that nobody could keep is refused, for nothing would be let in by it", () => {
  expect(mistakes({ ...salt, gate: {}, login })).toEqual([]);
  expect(mistakes({ ...salt, gate: {} })).toEqual([
    "management.salt.gate needs management.salt.login: it is kept on the master",
  ]);
});

test.each([
  { name: "a fingerprint of MD5", given: { masterFingerprint: "ab:cd" }, path: "salt.masterFingerprint" },
  { name: "a version that is an address", given: { version: "http://x/" }, path: "salt.version" },
  { name: "a name with a slash", given: { minionId: "../x" }, path: "salt.minionId" },
  {
    name: "a private key for the repository",
    given: { repository: { uri: "http://a.dk", suite: "./", key: "-----BEGIN PGP PRIVATE KEY BLOCK-----" } },
    path: "salt.repository.key",
  },
])("$name is refused", ({ given, path }) => {
  const { error } = management.safeParse({ salt: { ...salt, ...given } });
  expect(error?.issues.map((issue) => issue.path.join("."))).toEqual([path]);
});
