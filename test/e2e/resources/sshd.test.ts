import { afterAll, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { sshd } from "../../../infra/provider/resources/sshd.ts";
import { lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
const file = "/etc/ssh/sshd_config.d/10-onprem.conf";
const load = ["check the configuration of sshd", "restart sshd"];
const both = ["write the settings of sshd", ...load];
let host: SshHost;
beforeAll(async () => {
  host = await labHost(lab, "dev", "deploy");
});
afterAll(() => host.close());

/** Whether root gets in; what is in force shows only there. */
async function rootLogsIn(): Promise<boolean> {
  try {
    await (await labHost(lab, "dev", "root")).close();
    return true;
  } catch {
    return false;
  }
}

it("creates, agrees, heals, updates and removes", async () => {
  const managed = new Managed(sshd, host);

  expect(await managed.apply({})).toEqual(both);
  expect(managed.seen).toMatchObject({
    permitRootLogin: "no",
    passwordAuthentication: false,
    weakened: [],
    loaded: true,
  });
  expect(await rootLogsIn()).toBe(false);
  expect(await managed.apply({})).toEqual([]);

  await byHand(
    host,
    `sed -i 's/^PermitRootLogin.*/PermitRootLogin yes/; s/^StrictModes.*/StrictModes no/' ${file}; systemctl reload ssh`,
  );
  expect(await managed.look()).toMatchObject({ permitRootLogin: "yes", weakened: ["strictmodes no"], loaded: true });
  expect(await managed.apply({})).toEqual(both);
  expect(await rootLogsIn()).toBe(false);

  await byHand(host, `rm ${file}`);
  expect(await managed.look()).toMatchObject({
    permitRootLogin: "prohibit-password",
    tcpForwarding: "yes",
    loaded: false,
  });
  expect(await managed.apply({})).toEqual(both);

  // Mended by hand, but the server still runs with what it read before.
  await byHand(
    host,
    `cp ${file} /root/keep; echo 'PermitRootLogin yes' >${file}; systemctl reload ssh; sleep 0.1; cat /root/keep >${file}; rm /root/keep`,
  );
  expect(await managed.look()).toMatchObject({ permitRootLogin: "no", loaded: false });
  expect(await rootLogsIn()).toBe(true);
  expect(await managed.apply({})).toEqual(load);
  expect(await rootLogsIn()).toBe(false);

  expect(await managed.apply({ permitRootLogin: "prohibit-password", allowUsers: ["deploy", "root"] })).toEqual(both);
  expect(managed.seen.allowUsers).toEqual(["deploy", "root"]);
  expect(await rootLogsIn()).toBe(true);

  expect(await managed.destroy()).toEqual(["remove the settings of sshd", ...load]);
  expect((await host.look(["sshd", "-T"])).stdout).toContain("\nallowtcpforwarding yes\n");
  expect(await managed.destroy()).toEqual([]);
});

it("refuses what would not take effect, and names the lines", async () => {
  await byHand(host, "echo 'PasswordAuthentication yes' >/etc/ssh/sshd_config.d/01-before.conf");
  await expect(new Managed(sshd, host).apply({})).rejects.toThrow(
    "/etc/ssh/sshd_config.d/01-before.conf:1: passwordauthentication yes",
  );
  await byHand(host, "rm /etc/ssh/sshd_config.d/01-before.conf; sed -i 's/^Include/#Include/' /etc/ssh/sshd_config");
  await expect(new Managed(sshd, host).apply({})).rejects.toThrow(
    "/etc/ssh/sshd_config does not read /etc/ssh/sshd_config.d",
  );
  await byHand(host, "sed -i 's/^#Include/Include/' /etc/ssh/sshd_config");
  expect(await host.inspect(file)).toEqual([]);
});

it("warns of what holds for some connections only", async () => {
  const path = "/etc/ssh/sshd_config.d/90-backup.conf";
  await byHand(host, `printf 'Match User backup\\n  PasswordAuthentication yes\\n' >${path}; systemctl reload ssh`);
  const want = sshd.check({}, { isUnknown: () => false } as never);
  const seen = await sshd.observe(host, want);
  expect(sshd.warn?.(want, seen)).toEqual([
    `For some connections sshd does otherwise than asked for, by lines of other files: ${path}:2: passwordauthentication yes (for user backup)`,
  ]);
  expect(sshd.refuse?.(want, seen, false)).toBeUndefined();
  await byHand(host, `rm ${path}; systemctl reload ssh`);
});
