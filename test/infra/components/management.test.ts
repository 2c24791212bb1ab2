import { output } from "@pulumi/pulumi";
import { expect, test } from "vitest";
import { leftText, type Managed, Management, repositoryText } from "../../../infra/components/management.ts";
import { completeManagement, management } from "../../../infra/settings/management.ts";
import { type Made, resourcesOf } from "./mocks.ts";

const id = "os2mo.naerum.dk";
const [master, own] = ["ab", "cd"].map((digits) => Array(32).fill(digits).join(":")) as [string, string];
const login = {
  host: "10.99.0.4",
  user: "deploy",
  hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB",
};
const outputs = {
  "onprem:linux:SaltMinion": { fingerprint: own },
  "onprem:linux:SaltSource": { addresses: ["203.0.113.7"] },
  "command:remote:Command": { stdout: "ok" },
};

async function made(more: object): Promise<{ names: string[]; resources: Made[]; managed: Record<string, unknown> }> {
  const given = { salt: { version: "3007.15", masterFingerprint: master, ...more } };
  const { salt } = completeManagement(management.parse(given), ["10.99.0.4/32"], id);
  if (salt === undefined) throw new Error("no settings");
  const all: Managed[] = [];
  const resources = await resourcesOf(() => {
    all.push(new Management("m", { salt, grains: { environment: "production" } }, {}).managed);
  }, outputs);
  const managed = await new Promise<Record<string, unknown>>((resolve) =>
    output(all[0]).apply((value) => resolve({ ...value })),
  );
  return { names: resources.map(({ type, name }) => `${type} ${name}`).sort(), resources, managed };
}

const inputs = (resources: readonly Made[], name: string) => resources.find((one) => one.name === name)?.inputs;

const onServer = ["onprem:linux:Package m-packages", "onprem:linux:SaltMinion m", "os2mo:server:Management m"];

test("ACC-3: without a login the vendor is told what is left, with the fingerprint that was read on the server", async () => {
  const { names, managed } = await made({});
  expect(names).toEqual(onServer);
  expect(managed).toEqual({
    minionId: id,
    fingerprint: own,
    left: expect.stringContaining(`salt-key -f '${id}'   # must show ${own}\nsalt-key -a '${id}'\n`),
  });
});

test("NET-3: with a login and a gate the address is found out, let in, and only this key is accepted", async () => {
  const { names, resources, managed } = await made({ login, gate: {} });
  expect(names).toEqual(
    [
      ...onServer,
      "command:remote:Command m-verification",
      "onprem:linux:NftSetElements m-gate",
      "onprem:linux:SaltKey m-key",
      "onprem:linux:SaltSource m-source",
      "pulumi:providers:onprem m-master",
    ].sort(),
  );
  expect(inputs(resources, "m-gate")).toEqual({
    table: "inet salt_gate",
    set: "allowed_v4",
    name: id,
    elements: ["203.0.113.7"],
  });
  expect(inputs(resources, "m-key")).toEqual({ minionId: id, fingerprint: own, replaceKey: false });
  expect(managed).toEqual({ minionId: id, fingerprint: own, externalAddresses: ["203.0.113.7"], answer: "ok" });
});

test("NET-3: addresses that are given are not looked for", async () => {
  const { names, resources } = await made({ login, gate: {}, externalAddresses: ["203.0.113.9"] });
  expect(names).not.toContain("onprem:linux:SaltSource m-source");
  expect(inputs(resources, "m-gate")?.elements).toEqual(["203.0.113.9"]);
});

test("the vendor's packages are believed by their own key and by no other", async () => {
  const key = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nx\n-----END PGP PUBLIC KEY BLOCK-----\n";
  const { resources } = await made({
    repository: { uri: "https://salt.dk/apt", suite: "stable", components: ["main"], key },
  });
  expect(inputs(resources, "m-repository")?.content).toBe(
    "# Managed by Pulumi.\ndeb [signed-by=/usr/share/keyrings/onprem-salt.asc] https://salt.dk/apt stable main\n",
  );
  expect(inputs(resources, "m-repository-key")).toMatchObject({
    path: "/usr/share/keyrings/onprem-salt.asc",
    content: key,
  });
});

test("a flat repository has no components", () => {
  expect(repositoryText({ uri: "http://a.dk", suite: "./", components: [] }, "/k")).toBe(
    "# Managed by Pulumi.\ndeb [signed-by=/k] http://a.dk ./\n",
  );
});

test("NET-3: addresses that are known stand in what the vendor is told", () => {
  const { salt } = completeManagement(
    management.parse({ salt: { version: "1", masterFingerprint: master, externalAddresses: ["203.0.113.9"] } }),
    ["10.99.0.4/32"],
    id,
  );
  if (salt === undefined) throw new Error("no settings");
  expect(leftText(salt, own)).toContain("# let in to 4505 and 4506: 203.0.113.9\n");
});
