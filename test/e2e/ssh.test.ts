import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import fc from "fast-check";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import {
  Cancelled,
  ConnectionLost,
  HostKeyMismatch,
  LoginRefused,
  SudoRefused,
} from "../../infra/provider/host/errors.ts";
import { readHostKey } from "../../infra/provider/host/read-host-key.ts";
import { connect, type SshHost } from "../../infra/provider/host/ssh-host.ts";
import { run, write } from "../../infra/provider/step.ts";
import { statusLab } from "../../lab/lab.ts";
import { connectionTo, lab, machine, within } from "./on-lab.ts";

const opened: SshHost[] = [];
const said: string[] = [];
const folder = "/var/tmp/onprem-ssh";
let local: string;

const settings = (user = "deploy") => ({ ...connectionTo(machine("test"), user), name: "test" });
const onHost = async (script: string) => {
  const now = (await statusLab(lab().name))?.machines.find(({ name }) => name === "test");
  return within(now ?? machine("test"), script);
};

async function reach(given: Parameters<typeof connect>[0] = settings()): Promise<SshHost> {
  const host = await connect(given, { say: (_, text) => said.push(text) });
  opened.push(host);
  return host;
}

beforeAll(async () => {
  local = await mkdtemp(join(tmpdir(), "onprem-ssh-"));
  await onHost(`rm -rf ${folder}; mkdir ${folder}`);
});
afterEach(async () => {
  for (const host of opened.splice(0)) await host.close();
  await onHost("nft flush ruleset");
  said.length = 0;
});
afterAll(async () => {
  await onHost(`rm -rf ${folder}`);
  await rm(local, { recursive: true });
});

/** Accepted logins in the journal of sshd since a moment of the host's clock. */
const logins = async (since: string) =>
  Number(await onHost(`journalctl -u ssh.service --since '${since}' -o cat | grep -c '^Accepted publickey' || :`));

describe("a login", () => {
  test.each(["deploy", "root"])("as %s works as root", async (user) => {
    const host = await reach(settings(user));
    expect((await host.look(["id", "-un"])).stdout).toBe("root\n");
    expect(host.user).toBe(user);
  });

  test("is one for sixty looks and ten plans at once", async () => {
    const since = await onHost("sleep 1; date '+%F %T'");
    const host = await reach();
    const looks = Array.from({ length: 60 }, (_, index) => host.look(["sh", "-c", `sleep 0.1; echo ${index}`]));
    const inspections = Array.from({ length: 20 }, () => host.inspect("/etc/passwd", { hash: true }));
    const plans = Array.from({ length: 10 }, (_, index) => host.perform([run("wait", ["sh", "-c", `echo ${index}`])]));
    expect((await Promise.all(looks)).map(({ stdout }) => Number(stdout))).toEqual([...looks.keys()]);
    await Promise.all([...inspections, ...plans]);
    expect(host.stats.connections).toBe(1);
    expect(await logins(since)).toBe(1);
  });

  test("is refused with the wrong host key, the wrong login key and without sudo", async () => {
    const [key] = await Promise.all([readHostKey({ host: settings().host })]);
    expect(settings().hostKey.startsWith(key.line)).toBe(true);
    const other = machine("vendor").hostKey;
    await expect(reach({ ...settings(), hostKey: other })).rejects.toThrow(HostKeyMismatch);
    await expect(reach({ ...settings(), hostKey: other })).rejects.toThrow(key.fingerprint);
    await expect(reach(settings("nobody"))).rejects.toThrow(LoginRefused);
    await onHost(
      "useradd -m -s /bin/bash plain && install -d -o plain -m 0700 /home/plain/.ssh && install -o plain -m 0600 /root/.ssh/authorized_keys /home/plain/.ssh/",
    );
    try {
      const error = await reach(settings("plain")).catch((error) => error);
      expect(error).toBeInstanceOf(SudoRefused);
      expect(error.message).toContain("plain ALL=(ALL) NOPASSWD: ALL");
    } finally {
      await onHost("userdel -r plain 2>/dev/null");
    }
  });

  test("goes through a jump host", async () => {
    const host = await reach({ ...settings(), jump: { ...connectionTo(machine("vendor")), name: "vendor" } });
    const peer = (await host.look(["sh", "-c", "ss -Htn state established 'sport = :22'"])).stdout;
    expect(peer).toContain(machine("vendor").addresses.v4);
  });

  test("waits for a server that boots", async () => {
    const host = await reach();
    const before = (await host.look(["cat", "/proc/sys/kernel/random/boot_id"])).stdout;
    await host.perform([run("reboot", ["systemctl", "--no-block", "reboot"], { survives: true })]).catch(() => {});
    await expect
      .poll(async () => (await host.look(["cat", "/proc/sys/kernel/random/boot_id"])).stdout, { timeout: 60_000 })
      .not.toBe(before);
  });
});

describe("words", () => {
  test("do nothing but what they say: names and content of quotes, newlines, $(), unicode and dashes", async () => {
    const host = await reach();
    const odd = fc.oneof(
      fc.constantFrom(
        "-rf",
        "--",
        "$(touch /pwned)",
        "`id`",
        "a\nb",
        "'",
        '"',
        "\\",
        "*",
        "~",
        "ø€😀",
        "; reboot",
        "{}",
        "%s",
      ),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    );
    const name = fc
      .array(odd, { minLength: 1, maxLength: 3 })
      .map((parts) => parts.join(""))
      .filter((text) => !/[\0/]/.test(text) && text !== "." && text !== ".." && Buffer.byteLength(text) < 200);
    await fc.assert(
      fc.asyncProperty(name, odd, async (name, content) => {
        const path = `${folder}/${name}`;
        await host.perform([
          write("write it", {
            path,
            content,
            owner: "root",
            group: "root",
            mode: "0600",
            validate: ["test", "-f", "{}"],
          }),
        ]);
        const [seen] = await host.inspect(path, { content: 1000 });
        expect([seen?.path, Buffer.from(seen?.content ?? []).toString()]).toEqual([path, content.toWellFormed()]);
        await host.perform([run("remove it", ["rm", "--", path])]);
        expect(await host.inspect(path)).toEqual([]);
      }),
      { numRuns: 60 },
    );
    expect(await onHost(`ls -A ${folder} /pwned 2>/dev/null | grep -v : || :`)).toBe("");
  });
});

describe("an upload", () => {
  const megabytes = 200;

  test("of 200 MB arrives whole, in less than 60 MB of memory beyond an idle host layer", async () => {
    const source = join(local, "big");
    const hash = createHash("sha256");
    const file = await open(source, "w");
    for (let index = 0; index < megabytes; index += 1) {
      const part = randomBytes(1_000_000);
      hash.update(part);
      await file.write(part);
    }
    await file.close();
    const sha256 = hash.digest("hex");
    const asked = JSON.stringify({ settings: settings(), source, sha256, path: `${folder}/big` });
    const worker = new URL("upload-worker.ts", import.meta.url).pathname;
    // Node's options as the plugin has them, for how much garbage lies about depends on them.
    const launcher = await readFile(new URL("../../infra/provider/pulumi-resource-onprem", import.meta.url), "utf8");
    const options = /^exec node (.*) "\$here/m.exec(launcher)?.[1]?.split(" ") ?? [];
    expect(options).toContain("--max-semi-space-size=2");
    const { stdout } = await promisify(execFile)(process.execPath, [...options, worker, asked]);
    const { growth, connections } = JSON.parse(stdout);
    expect(connections).toBe(1);
    expect(growth).toBeLessThan(60);
    expect(await onHost(`sha256sum <${folder}/big; ls -A ${folder}`)).toBe(`${sha256}  -\nbig`);
    await onHost(`rm ${folder}/big`);

    // The same file again, for what an interruption leaves.
    const host = await reach();
    const content = { path: source, sha256 };
    const step = write("write it", { path: `${folder}/cut`, content, owner: "root", group: "root", mode: "0600" });
    const work = host.perform([step]).catch((error) => error);
    await expect.poll(() => onHost(`ls -A ${folder}`), { interval: 20 }).toMatch(/^\.onprem-[0-9a-f]{16}\.cut$/);
    await host.close();
    expect(await work).toBeInstanceOf(Cancelled);
    await expect.poll(() => onHost(`ls -A ${folder}`), { timeout: 5000 }).toBe("");
  });
});

describe("a connection that breaks", () => {
  // Only on the test's own server: the namespaces are its own.
  const cut = "pkill -KILL -f '[s]shd: deploy' || :";

  test("is opened anew for looks, never for a step that may have run; what must not be cut short ends", async () => {
    const host = await reach();
    const look = host.look(["sh", "-c", "sleep 0.5; echo done"]);
    await onHost(`sleep 0.2; ${cut}`);
    expect((await look).stdout).toBe("done\n");
    const steps = host
      .perform([run("take a while", ["sh", "-c", `sleep 1; touch ${folder}/cut-short`]), run("go on", ["true"])])
      .catch((error) => error);
    await onHost(`sleep 0.4; ${cut}`);
    expect(await steps).toBeInstanceOf(ConnectionLost);
    const install = host
      .perform([run("install", ["sh", "-c", `sleep 1; touch ${folder}/installed`], { survives: true })])
      .catch((error) => error);
    await onHost(`sleep 0.6; ${cut}`);
    expect(await install).toBeInstanceOf(ConnectionLost);
    await onHost("sleep 1.5");
    expect(await onHost(`ls ${folder}; rm -f ${folder}/*`)).toBe("installed");
  });

  test("without a word, all packets dropped, is noticed within 30 s, and the look is repeated", async () => {
    const host = await reach();
    const began = performance.now();
    const look = host.look(["sh", "-c", "sleep 1; echo done"]);
    const chain = (hook: string) => `chain ${hook} { type filter hook ${hook} priority -300; policy drop; }`;
    await onHost(`nft 'table inet cut { ${chain("input")}; ${chain("output")}; }'`);
    await expect.poll(() => said.length, { timeout: 35_000, interval: 200 }).toBeGreaterThan(0);
    expect(said[0]).toContain("nothing came back for 20 s");
    expect((performance.now() - began) / 1000).toBeLessThan(30);
    await onHost("nft flush ruleset");
    expect((await look).stdout).toBe("done\n");
  });
});

describe("stopping", () => {
  test("ends within a second and leaves no process on the host", async () => {
    // A connection that an earlier test froze may still wait for its end there.
    const programs = async () => (await onHost("pgrep -f '[p]erl -e my' || :")).split("\n").filter(Boolean);
    const before = await programs();
    const host = await reach();
    const work = [host.look(["sleep", "5555"]), host.perform([run("wait", ["sleep", "5555"])])].map((one) =>
      one.catch((error) => error),
    );
    await expect.poll(() => onHost("pgrep -fc '[s]leep 5555' || :")).toBe("2");
    const began = performance.now();
    await host.close();
    for (const error of await Promise.all(work)) expect(error).toBeInstanceOf(Cancelled);
    expect(performance.now() - began).toBeLessThan(1000);
    await expect.poll(() => onHost("pgrep -fc '[s]leep 5555' || :"), { timeout: 5000 }).toBe("0");
    await expect
      .poll(async () => (await programs()).filter((pid) => !before.includes(pid)), { timeout: 5000 })
      .toEqual([]);
  });
});
