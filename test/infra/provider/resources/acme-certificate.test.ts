import { execFile, execFileSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  type AcmeCertificateSeen,
  type AcmeCertificateWant,
  acmeCertificate,
} from "../../../../infra/provider/resources/acme-certificate.ts";
import { judgePair } from "../../../../infra/provider/resources/acme-certificate-seen.ts";
import {
  fingerprintOf,
  lookScript,
  publicKeyHash,
  readLook,
  requestScript,
} from "../../../../infra/provider/resources/acme-certificate-texts.ts";
import { installScript, reloadScript } from "../../../../infra/provider/resources/acme-install-texts.ts";
import type { Step } from "../../../../infra/provider/step.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const host = "os2mo.kommune.dk";
const zone = { kind: "manual", zone: "os2mo-on-prem.vendor.dk" };
const given = { names: [host], directory: "https://ca.vendor.dk/dir", zone };
const want = checked(acmeCertificate, given) as AcmeCertificateWant;

const seen: AcmeCertificateSeen = {
  names: [host],
  keyType: "ecdsa-p256",
  directory: given.directory,
  profile: "",
  issuer: "CN=CA",
  serial: "01",
  notBefore: "2026-11-01T00:00:00.000Z",
  notAfter: "2027-01-30T00:00:00.000Z",
  renewAt: "2026-12-31T00:00:00.000Z",
  renewal: "a third of its life is left",
  due: false,
  served: "yes",
  proven: true,
  problems: [],
  certificate: "",
};

describe("check", () => {
  test.each([
    [{ names: [] }, "names"],
    [{ names: ["OS2mo.kommune.dk"] }, "names"],
    [{ names: ["-x; rm -rf /"] }, "names"],
    [{ directory: "http://ca.vendor.dk/dir" }, "directory"],
    [{ keyType: "rsa-1024" }, "keyType"],
    [{ unit: "nginx.service; reboot" }, "unit"],
    [{ folder: "tls" }, "folder"],
    [{ profile: "a b" }, "profile"],
    [{ port: 0 }, "port"],
  ])("%j", (more, property) => {
    const found = checked(acmeCertificate, { ...given, ...more }) as unknown as { property: string }[];
    expect(found.map((problem) => problem.property.replace(/[[.].*/, ""))).toEqual([property]);
  });
});

describe("plan", () => {
  const properties = (now: AcmeCertificateSeen | undefined, more: Partial<AcmeCertificateWant> = {}) =>
    acmeCertificate.plan({ ...want, ...more }, now).map(({ title, property }) => `${title.split(" ")[0]} ${property}`);
  const anew = (property: string) => ["make", "get", "install", "see"].map((word) => `${word} ${property}`);

  test.each([
    ["nothing there", undefined, anew("names")],
    ["in time and shown", seen, []],
    ["other names", { ...seen, names: ["x.dk"] }, anew("names")],
    ["another key", { ...seen, keyType: "rsa-2048" }, anew("keyType")],
    ["of another authority", { ...seen, directory: "https://other.dk/dir" }, anew("directory")],
    ["of another profile", { ...seen, profile: "shortlived" }, anew("profile")],
    ["a problem", { ...seen, problems: ["it has expired"] }, anew("problems")],
    ["due", { ...seen, due: true }, anew("due")],
    ["another is shown", { ...seen, served: "another" as const }, ["let served"]],
    ["never seen from outside", { ...seen, proven: false }, ["see proven"]],
    [
      "that, and another is shown",
      { ...seen, proven: false, served: "another" as const },
      ["let served", "see proven"],
    ],
    ["that, and due", { ...seen, proven: false, due: true }, anew("due")],
    ["nobody shows it yet", { ...seen, served: "nothing" as const }, []],
  ])("%s", (_, now, steps) => {
    expect(properties(now)).toEqual(steps);
  });

  test("no step but the order itself hides what it says, and none has the zone's secret in its words", () => {
    const secret = { kind: "cloudflare" as const, zone: "vendor.dk", token: "t0k3n" };
    const steps = acmeCertificate.plan({ ...want, zone: secret }, undefined);
    expect(steps.map(({ secret: hidden }) => hidden)).toEqual([false, undefined, false, undefined]);
    expect(JSON.stringify(steps)).not.toContain("t0k3n");
  });

  test("what somebody else put there is not taken over", () => {
    expect(acmeCertificate.refuse?.(want, { ...seen, directory: "" }, false)?.why).toContain(
      "not made by this program",
    );
    expect(acmeCertificate.refuse?.(want, { ...seen, directory: "" }, true)).toBeUndefined();
  });
});

describe("the pair on a host, with its scripts", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "onprem-pair-"));
    sh(
      'cd "$1" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=CA 2>/dev/null',
      folder,
    );
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const sh = (script: string, ...words: string[]) =>
    execFileSync("sh", ["-c", script, "sh", ...words], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const request = (type = "ecdsa-p256") => sh(requestScript, folder, type, host, "x.kommune.dk");
  /** Signed by an authority of the test's own. */
  const sign = (days = 30, of = folder) => {
    const next = join(of, "next");
    sh(
      'cd "$1" && openssl x509 -req -in request.pem -CA "$3/ca.pem" -CAkey "$3/ca.key" -CAcreateserial -days "$2" -copy_extensions copy -out fullchain.pem 2>/dev/null && cat "$3/ca.pem" >>fullchain.pem',
      next,
      String(days),
      folder,
    );
    const chain = readFileSync(join(next, "fullchain.pem"), "utf8");
    const note = { directory: given.directory, profile: "", fingerprint: fingerprintOf(chain) };
    writeFileSync(join(next, "issued.json"), JSON.stringify(note));
  };
  const install = () => sh(installScript, folder, host, "0", "");
  const judged = async () => {
    const live = join(folder, "live");
    const look = { ...readLook(sh(lookScript, folder, host, "0")), guarded: true };
    const chain = readFileSync(join(live, "fullchain.pem"), "utf8");
    const note = readFileSync(join(live, "issued.json"));
    return judgePair({ chain, look, note }, { names: [host, "x.kommune.dk"] });
  };

  test("a key of each type that is asked for, root's alone, and a request for all names; one that was begun is kept", () => {
    for (const [type, said] of [
      ["ecdsa-p256", "NIST CURVE: P-256"],
      ["ecdsa-p384", "NIST CURVE: P-384"],
      ["rsa-2048", "(2048 bit)"],
    ] as const) {
      request(type);
      const text = sh('openssl req -noout -text -in "$1"', join(folder, "next", "request.pem"));
      expect(text).toContain(said);
      expect(text).toContain(`DNS:${host}, DNS:x.kommune.dk`);
    }
    expect((statSync(join(folder, "next", "key.pem")).mode & 0o777).toString(8)).toBe("600");
    const key = readFileSync(join(folder, "next", "key.pem"), "utf8");
    request("rsa-2048");
    expect(readFileSync(join(folder, "next", "key.pem"), "utf8")).toBe(key);
    request();
    expect(readFileSync(join(folder, "next", "key.pem"), "utf8")).not.toBe(key);
  });

  test("is installed by one link, and seen for what it is", async () => {
    request();
    sign();
    install();
    expect(existsSync(join(folder, "next"))).toBe(false);
    expect(readlinkSync(join(folder, "live"))).toMatch(/^versions\/\d{8}T\d{6}-/);
    expect(await judged()).toMatchObject({
      names: [host, "x.kommune.dk"],
      keyType: "ecdsa-p256",
      directory: given.directory,
      served: "nothing",
      problems: [],
      due: false,
    });
    const look = readLook(sh(lookScript, folder, host, "0"));
    const publicKey = sh('openssl x509 -noout -pubkey -in "$1"', join(folder, "live", "fullchain.pem"));
    expect(look.key).toBe(publicKeyHash(publicKey));
  });

  test("a web server is not set up for a pair before that is there: what it shows until then is no refusal, and no drift", async () => {
    const [first, bin] = [join(folder, "first"), join(folder, "first-bin")];
    for (const path of [first, bin]) mkdirSync(path, { recursive: true });
    writeFileSync(join(bin, "systemctl"), '#!/bin/sh\necho "$1" >>"$(dirname "$0")/asked"\n');
    chmodSync(join(bin, "systemctl"), 0o755);
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const live = (file: string) => readFileSync(join(folder, "live", file));
    const server = createServer({ cert: live("fullchain.pem"), key: live("key.pem") }, (socket) => socket.end());
    server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = String((server.address() as AddressInfo).port);
    const script = async (text: string, ...words: string[]) =>
      (await promisify(execFile)("sh", ["-c", text, "sh", first, ...words], { env })).stdout;
    const served = async () => {
      const look = readLook(await script(lookScript, host, port));
      const chain = readFileSync(join(first, "live", "fullchain.pem"), "utf8");
      return (await judgePair({ chain, look, note: undefined }, { names: [host] })).served;
    };
    try {
      // The first pair, and its renewal.
      for (const reloads of [1, 2]) {
        await script(requestScript, "ecdsa-p256", host);
        sign(30, first);
        await script(installScript, host, port, "nginx.service");
        expect(existsSync(join(first, "next"))).toBe(false);
        const asked = readFileSync(join(bin, "asked"), "utf8").split("\n");
        expect(asked.filter((word) => word === "reload")).toHaveLength(reloads);
        expect(await served()).toBe("nothing");
      }
      const pair = (file: string) => readFileSync(join(first, "live", file));
      server.setSecureContext({ cert: pair("fullchain.pem"), key: pair("key.pem") });
      expect(await served()).toBe("yes");
    } finally {
      server.close();
    }
  });

  test("where no link can be made, what was live stays, and the new pair is there for the next run", () => {
    const before = readlinkSync(join(folder, "live"));
    request();
    sign();
    // As where a file system has no inode left.
    const full = 'ln() { echo "ln: No space left on device" >&2; return 1; }\n';
    expect(() => sh(full + installScript, folder, host, "0", "")).toThrow("No space left on device");
    expect(readlinkSync(join(folder, "live"))).toBe(before);
    const chain = readFileSync(join(folder, "next", "fullchain.pem"), "utf8");
    install();
    expect(readFileSync(join(folder, "live", "fullchain.pem"), "utf8")).toBe(chain);
  });

  test("a pair that was on its way when the server lost its power is where the next run looks for it", () => {
    const before = readlinkSync(join(folder, "live"));
    request();
    sign();
    const chain = readFileSync(join(folder, "next", "fullchain.pem"), "utf8");
    const cut = 'mv() { case "$*" in *live.new*) exit 9 ;; esac; command mv "$@"; }\n';
    expect(() => sh(cut + installScript, folder, host, "0", "")).toThrow();
    expect([readlinkSync(join(folder, "live")), existsSync(join(folder, "next"))]).toEqual([before, false]);
    request();
    expect(readFileSync(join(folder, "next", "fullchain.pem"), "utf8")).toBe(chain);
    install();
    expect(readFileSync(join(folder, "live", "fullchain.pem"), "utf8")).toBe(chain);
  });

  test("a key that found no room is no key", () => {
    const full = 'cat() { echo "cat: No space left on device" >&2; return 1; }\n';
    expect(() => sh(full + requestScript, folder, "rsa-2048", host)).toThrow("No space left on device");
    request();
  });

  test("the web server is reloaded, and must show the pair: else the step fails, and says why", async () => {
    const bin = join(folder, "bin");
    mkdirSync(bin);
    const systemctl = (text: string) => {
      writeFileSync(join(bin, "systemctl"), `#!/bin/sh\n${text}\n`);
      chmodSync(join(bin, "systemctl"), 0o755);
    };
    const live = (file: string) => readFileSync(join(folder, "live", file));
    const server = createServer({ cert: live("fullchain.pem"), key: live("key.pem") }, (socket) => socket.end());
    server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
    await once(server, "listening");
    const port = String((server.address() as AddressInfo).port);
    const env = { ...process.env, PATH: `${bin}:${process.env.PATH}` };
    const words = ["-c", reloadScript, "sh", folder, host, port, "nginx.service"];
    const reload = () => promisify(execFile)("sh", words, { env });
    try {
      systemctl("exit 0");
      expect((await reload()).stderr).toBe("");
      systemctl("echo Job for nginx.service failed. >&2; exit 1");
      await expect(reload()).rejects.toMatchObject({
        code: 4,
        stderr: "nginx.service does not show the certificate: Job for nginx.service failed.\n",
      });
    } finally {
      server.close();
    }
  });

  test("a chain for another key is refused, and what was live stays", () => {
    const before = readlinkSync(join(folder, "live"));
    request();
    sh(
      'cd "$1" && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout other.pem -out fullchain.pem -subj /CN=x 2>/dev/null',
      join(folder, "next"),
    );
    expect(install).toThrow("the certificate is not for the key that was made here");
    expect(readlinkSync(join(folder, "live"))).toBe(before);
  });

  test("another certificate or another key in its place, and one that is due, are told", async () => {
    request("ecdsa-p384");
    sign(1);
    install();
    expect((await judged()).problems).toEqual([]);
    expect((await judged()).due).toBe(false);
    const live = join(folder, "live");
    sh('cd "$1" && openssl ecparam -genkey -name prime256v1 -noout -out key.pem', live);
    expect((await judged()).problems).toEqual(["the key beside it is not the one that it is for"]);
    writeFileSync(join(live, "issued.json"), JSON.stringify({ directory: "x", profile: "", fingerprint: "AA" }));
    const { directory, problems } = await judged();
    expect([directory, problems.at(-1)]).toEqual([
      "",
      "it is not the one that was issued here: somebody has put it there",
    ]);
    writeFileSync(join(live, "fullchain.pem"), "none");
    expect((await judged()).problems).toEqual(["what stands in its file is no certificate"]);
  });
});

describe("removal", () => {
  const memory = { folder: "/srv/tls", directory: given.directory, revoke: true };
  const titles = (steps: readonly Step[]) => steps.map(({ title }) => title);
  const took = ["revoke the certificate", "remove the pair and its key"];

  test("takes the pair away, and what a run has left that did not come to its end; revokes only if asked", () => {
    expect(titles(acmeCertificate.remove(seen, memory))).toEqual(took);
    expect(titles(acmeCertificate.remove(seen, { ...memory, revoke: false }))).toEqual(took.slice(1));
    const folder = mkdtempSync(join(tmpdir(), "acme-removal-"));
    mkdirSync(join(folder, "next"));
    writeFileSync(join(folder, "next/key.pem"), "a key");
    const step = acmeCertificate.remove(seen, { ...memory, folder }).at(-1);
    const [program = "", ...words] = step?.do === "run" ? step.argv : [];
    execFileSync(program, words);
    expect(existsSync(folder)).toBe(false);
  });

  test("a first one that never came is seen by its key, so that it goes, and there is nothing to revoke", async () => {
    const on = new FakeHost({
      paths: { "/etc/onprem/tls/live/fullchain.pem": null, "/etc/onprem/tls/live/issued.json": null },
      looks: { [["sh", "-c", lookScript, "sh", "/etc/onprem/tls", host, "443"].join(" ")]: "begun\n" },
    });
    const left = await acmeCertificate.observe(on, want);
    expect(left).toMatchObject({ names: [], problems: ["there is a key, and no certificate yet"], due: false });
    if (left === undefined) throw new Error("nothing is seen");
    expect([acmeCertificate.refuse?.(want, left, false), acmeCertificate.warn?.(want, left)]).toEqual([undefined, []]);
    expect(acmeCertificate.plan(want, left).map(({ property }) => property)).toEqual([
      "names",
      "names",
      "names",
      "names",
    ]);
    const [step] = acmeCertificate.remove(left, { ...memory, folder: "/etc/onprem/tls" });
    if (step?.do !== "act") throw new Error("no step");
    const say = () => expect.fail("something is said");
    await step.act({ host: on, say, signal: AbortSignal.abort("somebody is asked") });
  });

  const good = { ...seen, notAfter: "2999-01-01T00:00:00.000Z", certificate: "a certificate" };

  test.each([
    ["has expired", { notAfter: "2026-01-01T00:00:00.000Z" }, "it expired at 2026-01-01T00:00:00.000Z"],
    ["was put there by somebody", { directory: "" }, "it is not one that ca.vendor.dk gave"],
    ["cannot be read", { directory: "", certificate: "", notAfter: "" }, "it is not one that ca.vendor.dk gave"],
  ])("a certificate that %s is not revoked, which holds up nothing: nobody is asked", async (_, more, why) => {
    const [step] = acmeCertificate.remove({ ...good, ...more }, memory);
    const said: string[] = [];
    const say = (severity: string, line: string) => said.push(`${severity}: ${line}`);
    if (step?.do !== "act") throw new Error("no step");
    await step.act({ host: new FakeHost({}), say, signal: AbortSignal.abort("somebody is asked") });
    expect(said).toEqual([`warning: the certificate that stands there is not revoked: ${why}`]);
  });

  test("one that is good, and that the authority gave, is", async () => {
    const [step] = acmeCertificate.remove(good, memory);
    const asking =
      step?.do === "act" &&
      step.act({ host: new FakeHost({}), say: () => undefined, signal: AbortSignal.abort("asked") });
    await expect(asking).rejects.toBe("asked");
  });
});
