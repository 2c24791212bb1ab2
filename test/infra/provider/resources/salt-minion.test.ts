import { describe, expect, it } from "vitest";
import { type SaltMinionSeen, saltMinion } from "../../../../infra/provider/resources/salt-minion.ts";
import {
  knockProgram,
  minionFile,
  minionLookScript,
  minionText,
  readMinionLive,
  readMinionText,
} from "../../../../infra/provider/resources/salt-minion-texts.ts";
import { knockOf } from "../../../../infra/provider/salt-values.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const finger = (digit: string) => Array(32).fill(`${digit}${digit}`).join(":");
const [own, master, stranger] = [finger("a"), finger("b"), finger("c")];

const given = {
  master: "198.18.0.7",
  masterFingerprint: master,
  minionId: "os2mo.kommune.dk",
  grains: { environment: "production", customer: 'Nærum: "Kommune" {{ x }}' },
};
const want = checked(saltMinion, given) as Parameters<typeof saltMinion.plan>[0];
const agreed: SaltMinionSeen = {
  ...want,
  file: "ours",
  installed: true,
  enabled: true,
  running: true,
  current: true,
  fingerprint: own,
  connected: true,
};
const sum = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const live = [
  `finger ${own}`,
  `master-finger ${master}`,
  "unit LoadState=loaded",
  "unit ActiveState=active",
  "unit UnitFileState=enabled",
  "connection 0 0 198.18.0.11:44000 198.18.0.7:4505",
  `loaded ${sum}  ${minionFile}`,
  `file ${sum}  ${minionFile}`,
  "",
].join("\n");
const [first, second] = knockOf(want.minionId);
const knock = ["perl", "-e", knockProgram, want.master, "4505", String(first), "4506", String(second)];

const host = (file: string | null, told: string) =>
  new FakeHost({
    paths: { [minionFile]: file === null ? null : { content: file } },
    looks: { [["sh", "-c", minionLookScript].join(" ")]: told, [knock.join(" ")]: "" },
  });

describe("check", () => {
  it.each([
    [{ master: "salt" }, "master", "must be an IP address"],
    [{ masterFingerprint: "aa:bb" }, "masterFingerprint", "must be a SHA-256 fingerprint"],
    [{ minionId: "../../x" }, "minionId", "must be a host name"],
    [{ grains: { "a b": "x" } }, "grains.a b", "must be a word"],
    [{ keyVersion: 0 }, "keyVersion", ""],
  ])("%j", (more, property, reason) => {
    const found = checked(saltMinion, { ...given, ...more }) as { property: string; reason: string }[];
    expect(found.map(({ reason: said }) => said).join()).toContain(reason);
    expect(found[0]?.property.replace(/\["(.*)"\]/, ".$1")).toBe(property);
  });
});

it("writes YAML that nothing in a name gets out of, and reads it again", () => {
  const text = minionText(want);
  expect(readMinionText(text)).toEqual(want);
  expect(text).toContain('master: "198.18.0.7"\nmaster_finger:');
  expect(text).toContain('grains: {"customer":"Nærum: \\"Kommune\\" {{ x }}","environment":"production"}');
  expect(readMinionText(`${text}file_client: local\n`)).toBeUndefined();
  expect(minionText({ ...want, master: "fd00::7" })).toContain("ipv6: true");
});

describe("observe", () => {
  it("sees that all is as wanted, and knocks", async () => {
    const on = host(minionText(want), live);
    expect(await saltMinion.observe(on, want)).toEqual(agreed);
  });

  it.each([
    ["a key that nobody has made", `finger ${own}\n`, "", { fingerprint: undefined }],
    ["another master", `master-finger ${master}`, `master-finger ${stranger}`, { otherMaster: stranger }],
    ["settings that it has not read yet", `loaded ${sum}`, `loaded ${sum.replace("0", "9")}`, { current: false }],
    ["no connection", /connection.*\n/, "", { connected: false }],
    ["a unit that is off", "ActiveState=active", "ActiveState=failed", { running: false }],
  ])("%s", async (_, from, to, expected) => {
    expect(await saltMinion.observe(host(minionText(want), live.replace(from, to)), want)).toEqual({
      ...agreed,
      ...expected,
    });
  });

  it("sees a file that somebody changed, and a host without Salt", async () => {
    expect((await saltMinion.observe(host(`${minionText(want)}#\n`, live), want))?.file).toBe("foreign");
    expect(await saltMinion.observe(host(null, "unit LoadState=not-found\n"), want)).toBeUndefined();
  });
});

describe("plan", () => {
  const titles = (seen: SaltMinionSeen | undefined, wanted = want) =>
    saltMinion.plan(wanted, seen).map(({ title }) => title);
  const restart = ["restart salt-minion.service", "wait for its key"];
  const rewrite = ["make the folder of our settings", `write ${minionFile}`];

  it.each<[string, SaltMinionSeen, string[]]>([
    ["agrees", agreed, []],
    ["a connection that is down is nothing that a restart here would heal", { ...agreed, connected: false }, []],
    ["other grains", { ...agreed, grains: {} }, [...rewrite, ...restart]],
    ["another key", { ...agreed, keyVersion: 7 }, [...rewrite, "forget its key", ...restart]],
    ["another master's key", { ...agreed, otherMaster: stranger }, ["forget another master's key", ...restart]],
    [
      "a file that somebody changed keeps the key",
      { ...agreed, file: "foreign", keyVersion: 0 },
      [...rewrite, ...restart],
    ],
    ["enables it, and leaves it running", { ...agreed, enabled: false }, ["enable salt-minion.service"]],
    ["settings that it has not read", { ...agreed, current: false }, restart],
  ])("%s", (_, seen, expected) => {
    expect(titles(seen)).toEqual(expected);
  });

  it("makes everything on a host that has the package", () => {
    const bare = { ...agreed, file: "absent" as const, enabled: false, running: false, current: false };
    expect(titles(bare)).toEqual([...rewrite, "enable salt-minion.service", ...restart]);
  });
});

it("refuses a file that is not ours, and no host whose package comes in the same run", () => {
  expect(saltMinion.refuse?.(want, undefined, false)).toBeUndefined();
  expect(saltMinion.refuse?.(want, { ...agreed, file: "foreign" }, false)?.why).toContain("exists already");
  expect(saltMinion.refuse?.(want, { ...agreed, file: "foreign" }, true)).toBeUndefined();
});

it("warns of a minion without its master, and names the key that must be accepted", () => {
  expect(saltMinion.warn?.(want, agreed)).toEqual([]);
  expect(saltMinion.warn?.(want, { ...agreed, connected: false })).toEqual([expect.stringContaining(own)]);
});

it("removes its settings and its keys", () => {
  expect(saltMinion.remove(agreed).map(({ title }) => title)).toEqual([
    "stop and disable salt-minion.service",
    `remove ${minionFile} and the minion's keys`,
  ]);
});

it("reads nothing from nothing", () => {
  expect(readMinionLive("")).toEqual({
    installed: false,
    active: false,
    enabled: false,
    connected: false,
    current: false,
  });
});
