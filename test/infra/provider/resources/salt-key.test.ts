import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type SaltKeySeen, saltKey } from "../../../../infra/provider/resources/salt-key.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const finger = (digit: string) => Array(32).fill(`${digit}${digit}`).join(":");
const [own, other] = [finger("a"), finger("b")];
const want = checked(saltKey, { minionId: "os2mo.kommune.dk", fingerprint: own }) as Parameters<typeof saltKey.plan>[0];
const seen = (fingerprint: string, waiting: SaltKeySeen["waiting"] = {}): SaltKeySeen => ({
  minionId: want.minionId,
  pkiFolder: want.pkiFolder,
  fingerprint,
  waiting,
});

describe("on a folder of keys as a master has it", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "onprem-pki-"));
    for (const name of ["minions", "minions_pre", "minions_denied", "minions_rejected"]) mkdirSync(join(folder, name));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const keep = (where: string, body: string) => {
    writeFileSync(
      join(folder, where, want.minionId),
      `-----BEGIN PUBLIC KEY-----\n${body}\n-----END PUBLIC KEY-----\n`,
    );
    return createHash("sha256").update(`${body}\n`).digest("hex").match(/../g)?.join(":");
  };
  /** The real script, run here in place of the master. */
  const observed = async () => {
    const host = new FakeHost({});
    host.look = async (argv) => ({
      code: 0,
      stdout: execFileSync(argv[0] ?? "", argv.slice(1), { encoding: "utf8" }),
      stderr: "",
    });
    return saltKey.observe(host, { ...want, pkiFolder: folder });
  };

  it("ACC-3: sees the accepted key, and what else was shown under the name", async () => {
    expect(await observed()).toBeUndefined();
    const waiting = keep("minions_pre", "one");
    expect(await observed()).toMatchObject({ fingerprint: "", waiting: { pending: waiting } });
    const accepted = keep("minions", "two");
    const denied = keep("minions_denied", "three");
    expect(await observed()).toMatchObject({ fingerprint: accepted, waiting: { pending: waiting, denied } });
  });
});

describe("plan", () => {
  const titles = (now: SaltKeySeen | undefined) => saltKey.plan(want, now).map(({ title }) => title);
  const accept = [`accept the key of ${want.minionId}`, `hear from ${want.minionId}`];

  it.each<[string, SaltKeySeen | undefined, string[]]>([
    ["agrees", seen(own), []],
    ["leaves a stranger's denied key alone", seen(own, { denied: other }), []],
    ["waits for a key that has not arrived", undefined, accept],
    ["accepts its own that waits", seen("", { pending: own }), accept],
    [
      "deletes the others first",
      seen(other, { denied: own }),
      [`delete the other keys of ${want.minionId}`, ...accept],
    ],
  ])("%s", (_, now, expected) => {
    expect(titles(now)).toEqual(expected);
  });
});

describe("ACC-3: another key under the name", () => {
  it.each<[string, SaltKeySeen, string | undefined]>([
    ["that waits is refused", seen("", { pending: other }), `${other} (pending)`],
    ["that is accepted is refused", seen(other), `${other} (accepted)`],
    ["that waits beside our own is refused", seen("", { pending: other, denied: own }), `${other} (pending)`],
    ["that Salt has denied while ours is accepted is no refusal", seen(own, { denied: other }), undefined],
    ["none", seen("", { pending: own }), undefined],
  ])("%s", (_, now, expected) => {
    const why = saltKey.refuse?.(want, now, true)?.why;
    if (expected === undefined) expect(why).toBeUndefined();
    else expect(why).toContain(expected);
    expect(saltKey.refuse?.({ ...want, replaceKey: true }, now, true)).toBeUndefined();
  });

  it("is what each run warns of when it came later", () => {
    expect(saltKey.warn?.(want, seen(own))).toEqual([]);
    expect(saltKey.warn?.(want, seen(own, { denied: other }))).toEqual([expect.stringContaining(`${other} (denied)`)]);
  });
});

it("removes the accepted key, and nothing that only waits", () => {
  expect(saltKey.remove(seen(own)).map(({ title }) => title)).toEqual([`delete the key of ${want.minionId}`]);
  expect(saltKey.remove(seen("", { pending: other }))).toEqual([]);
});
