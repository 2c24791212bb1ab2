import { createHash } from "node:crypto";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { systemdUnit } from "../../../infra/provider/resources/systemd-unit.ts";
import { lab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const name = "onprem-test.service";
const unit =
  "[Service]\nExecStart=/bin/sleep infinity\nExecReload=/bin/true\n\n[Install]\nWantedBy=multi-user.target\n";
const path = `/etc/systemd/system/${name}`;
const file = "/etc/onprem-test.conf";
const timer = "systemd-tmpfiles-clean.timer";
const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
let host: SshHost;

const clean = () =>
  byHand(
    host,
    'systemctl stop "$1" || true; rm -rf "$2" "$2.d" "$3" "/etc/systemd/system/$4.d"; systemctl daemon-reload; systemctl start "$4"',
    ...[name, path, file, timer],
  );

beforeAll(async () => {
  host = await labHost(lab(), "dev");
});
afterAll(async () => {
  await clean();
  await host.close();
});

const invocation = async (of = name) =>
  (await host.look(["systemctl", "show", "--value", "-p", "InvocationID", "--", of])).stdout;
const isActive = async (of: string) =>
  (await host.look(["systemctl", "is-active", "--", of], { exits: [0, 3, 4] })).stdout.trim();
const written = (text: string) => byHand(host, 'printf %s "$2" > "$1"', file, text);

describe("a unit of ours", () => {
  const enabled = { name, unit, enabled: true, running: true };

  test("goes through its life", async () => {
    const managed = new Managed(systemdUnit, host);
    expect(await managed.apply(enabled)).toEqual([
      `write ${path}`,
      "let systemd read its units anew",
      `enable ${name}`,
      `start ${name}`,
    ]);
    expect(await managed.apply(enabled)).toEqual([]);

    await byHand(host, 'systemctl disable --now "$1"; echo "Nice=5" >> "$2"', name, path);
    expect(await managed.look()).toMatchObject({ unit: `${unit}Nice=5\n`, enabled: false, running: false });
    expect(await managed.apply(enabled)).toEqual([
      `write ${path}`,
      "let systemd read its units anew",
      `enable ${name}`,
      `start ${name}`,
    ]);

    const limited = { ...enabled, dropIns: { nice: "[Service]\nNice=7\n" } };
    expect(await managed.apply(limited)).toEqual([
      `make ${path}.d`,
      `write ${path}.d/nice.conf`,
      "let systemd read its units anew",
      `restart ${name}`,
    ]);
    expect((await host.look(["systemctl", "show", "-p", "Nice", name])).stdout).toBe("Nice=7\n");
    await byHand(host, 'rm "$1.d/nice.conf"', path);
    expect((await managed.look())?.dropIns).toEqual({});
    await managed.apply(limited);
    expect(await managed.apply(enabled)).toEqual([
      `remove ${path}.d/nice.conf`,
      `remove ${path}.d if it is empty`,
      "let systemd read its units anew",
      `restart ${name}`,
    ]);

    expect(await managed.apply({ ...enabled, running: false, enabled: false })).toEqual([
      `disable ${name}`,
      `stop ${name}`,
    ]);
    await managed.apply(enabled);
    await managed.destroy();
    expect(await managed.look()).toBeUndefined();
    expect(await managed.destroy()).toEqual([]);
    expect(await isActive(name)).toBe("inactive");
    expect(await host.inspect(path)).toEqual([]);
    expect(await host.inspect(`${path}.d`)).toEqual([]);
    expect(await host.inspect(`/run/onprem/units/${name}`)).toEqual([]);
  });

  test("leaves nothing of its validation, and takes away what a killed run has left of one", async () => {
    const abandoned = "/run/.onprem-verify-killed";
    await byHand(host, 'mkdir "$1"; touch -d "11 minutes ago" "$1"', abandoned);
    const managed = new Managed(systemdUnit, host);
    await managed.apply(enabled);
    expect(await host.inspect(abandoned)).toEqual([]);
    expect((await host.look(["find", "/run", "-maxdepth", "1", "-name", ".onprem-*"])).stdout).toBe("");
    await managed.destroy();
  });

  test("a mistake in its text is refused before it takes effect", async () => {
    const managed = new Managed(systemdUnit, host);
    await expect(managed.apply({ name, unit: unit.replace("ExecStart", "ExecStrt") })).rejects.toThrow(
      /could not write .*onprem-test.service on dev.*\n.*onprem-test.service:2: Unknown key .*ExecStrt/,
    );
    await managed.apply({ name, unit }).catch(() => undefined);
    const dropIns = { typo: "[Service]\nMemryMax=1G\n" };
    await expect(managed.apply({ name, unit, dropIns })).rejects.toThrow(/typo.conf:2: Unknown key .*MemryMax/);
    expect(await host.inspect(`${path}.d/typo.conf`)).toEqual([]);
    await managed.apply({ name, unit });
    await managed.destroy();
  });

  test("one that fails to start says why, and what to look at", async () => {
    const failing = (type: string) => `[Service]\nType=${type}\nExecStart=/bin/sh -c 'echo no configuration; exit 3'\n`;
    for (const type of ["simple", "oneshot"]) {
      const managed = new Managed(systemdUnit, host);
      const failure = managed.apply({ name, unit: failing(type), running: true });
      await expect(failure).rejects.toThrow(/could not start onprem-test.service on dev/);
      await expect(failure).rejects.toThrow(/no configuration/);
      await expect(failure).rejects.toThrow(/'systemctl status onprem-test.service' on the host shows more/);
      await managed.apply({ name, unit: failing(type) });
      await managed.destroy();
    }
  });

  test("another's file is refused, or taken over and put back", async () => {
    await byHand(host, 'printf "[Service]\\nExecStart=/bin/true\\n" > "$1"; systemctl daemon-reload', path);
    const managed = new Managed(systemdUnit, host);
    await expect(managed.apply(enabled)).rejects.toThrow("adopt: true");
    await managed.apply({ ...enabled, adopt: true });
    await managed.destroy();
    expect((await host.look(["cat", path])).stdout).toBe("[Service]\nExecStart=/bin/true\n");
    expect(await isActive(name)).toBe("inactive");
    await byHand(host, 'rm "$1"; systemctl daemon-reload', path);
  });
});

describe("what a unit reads", () => {
  const given = (content: string, onChange: "restart" | "reload" = "restart") => ({
    name,
    unit,
    running: true,
    reads: { [file]: sha256(content) },
    onChange,
  });
  let managed: Managed<Parameters<typeof systemdUnit.plan>[0], object, object>;

  beforeAll(async () => {
    managed = new Managed(systemdUnit as never, host);
    await written("one");
    await managed.apply(given("one"));
  });
  afterAll(async () => {
    await managed.destroy();
  });

  test("restarts it when it changes, once", async () => {
    const before = await invocation();
    await written("two");
    expect(await managed.look()).toMatchObject({
      reads: { [file]: `${sha256("two")} (the running unit has not read it yet)` },
    });
    expect(await managed.apply(given("two"))).toEqual([`restart ${name}`]);
    expect(await invocation()).not.toBe(before);
    expect(await managed.apply(given("two"))).toEqual([]);
  });

  test("restarts it even if the change kept an old time", async () => {
    await written("three");
    await byHand(host, 'touch -d "2001-01-01" "$1"', file);
    expect(await managed.apply(given("three"))).toEqual([`restart ${name}`]);
  });

  test("leaves it alone when it comes back before anything was read", async () => {
    await written("by hand");
    await written("three");
    expect(await managed.apply(given("three"))).toEqual([]);
  });

  test("leaves it alone when somebody restarted it since", async () => {
    await written("four");
    await byHand(host, 'systemctl restart "$1"', name);
    expect(await managed.apply(given("four"))).toEqual([]);
    await written("five");
    expect(await managed.apply(given("five"))).toEqual([`restart ${name}`]);
  });

  test("reloads it, where a reload is enough", async () => {
    const before = await invocation();
    await written("six");
    expect(await managed.apply(given("six", "reload"))).toEqual([`reload ${name}`]);
    expect(await invocation()).toBe(before);
    expect(await managed.apply(given("six", "reload"))).toEqual([]);
  });

  test("must be what was announced", async () => {
    await expect(managed.apply(given("seven"))).rejects.toThrow(
      /\/etc\/onprem-test.conf is not the file that was announced/,
    );
    expect(await managed.apply(given("six"))).toEqual([]);
  });

  test("leaves it alone when a reboot has started it since", async () => {
    await managed.apply({ ...given("six"), enabled: true });
    await written("eight");
    await byHand(host, "systemd-run --quiet --on-active=1 systemctl reboot");
    await expect.poll(() => host.inspect(`/run/onprem/units/${name}`), { timeout: 60_000, interval: 500 }).toEqual([]);
    await expect.poll(() => isActive(name), { timeout: 30_000, interval: 200 }).toBe("active");
    expect(await managed.apply({ ...given("eight"), enabled: true })).toEqual([]);
    await written("six");
    expect(await managed.apply({ ...given("six"), enabled: true })).toEqual([`restart ${name}`]);
  });

  test("is restarted by a change of the unit that an interrupted run left without effect", async () => {
    await byHand(host, 'sed -i "s/infinity/3600/" "$1"; systemctl daemon-reload', path);
    const changed = { ...given("six"), unit: unit.replace("infinity", "3600") };
    expect(await managed.look()).toMatchObject({ outdated: [name] });
    expect(await managed.apply(changed)).toEqual([`restart ${name}`]);
    expect(await managed.apply(changed)).toEqual([]);
  });
});

describe("a unit that a package brings", () => {
  test("is left as it was found", async () => {
    const managed = new Managed(systemdUnit, host);
    await byHand(host, 'systemctl stop "$1"', timer);
    expect(
      await managed.apply({ name: timer, running: true, dropIns: { onprem: "[Timer]\nOnUnitActiveSec=2d\n" } }),
    ).toEqual([
      `make /etc/systemd/system/${timer}.d`,
      `write /etc/systemd/system/${timer}.d/onprem.conf`,
      "let systemd read its units anew",
      `start ${timer}`,
    ]);
    expect(
      await managed.apply({ name: timer, running: true, dropIns: { onprem: "[Timer]\nOnUnitActiveSec=2d\n" } }),
    ).toEqual([]);
    await managed.destroy();
    expect(await isActive(timer)).toBe("inactive");
    expect(await host.inspect(`/etc/systemd/system/${timer}.d`)).toEqual([]);
    await byHand(host, 'systemctl start "$1"', timer);
  });

  test("cannot be enabled where it is static, and says so", async () => {
    const managed = new Managed(systemdUnit, host);
    await expect(managed.apply({ name: timer, enabled: true })).rejects.toThrow(
      `${timer} cannot be enabled: it is static`,
    );
  });

  test("is masked and unmasked", async () => {
    const managed = new Managed(systemdUnit, host);
    expect(await managed.apply({ name: timer, masked: true })).toEqual([`mask ${timer}`]);
    expect(await managed.apply({ name: timer, masked: true })).toEqual([]);
    await expect(new Managed(systemdUnit, host).apply({ name: timer, running: true })).rejects.toThrow("is masked");
    expect(await managed.destroy()).toEqual([`unmask ${timer}`, `forget what ${timer} has read`]);
    expect((await managed.look())?.masked).toBe(false);
  });

  test("that is not there is an error of systemd's", async () => {
    const managed = new Managed(systemdUnit, host);
    await expect(managed.apply({ name: "no-such.service", enabled: true })).rejects.toThrow(
      /no-such.service does not exist/,
    );
  });
});

test("names of any kind do nothing but what they say", async () => {
  const stem = fc.stringMatching(/^[A-Za-z0-9:_.\\-][A-Za-z0-9:_.\\-]{0,20}$/).filter((stem) => !stem.startsWith("."));
  await fc.assert(
    fc.asyncProperty(stem, async (stem) => {
      const managed = new Managed(systemdUnit, host);
      const odd = `${stem}-onprem.service`;
      await managed.apply({ name: odd, unit, running: true });
      expect(await isActive(odd)).toBe("active");
      expect(await managed.apply({ name: odd, unit, running: true })).toEqual([]);
      await managed.destroy();
      expect(await isActive(odd)).toBe("inactive");
    }),
    { numRuns: 10, examples: [["--help"], ["a\\x2db"], ["-"], ["\\"], ["a:b"]] },
  );
});
