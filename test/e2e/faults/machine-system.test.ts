import { expect } from "vitest";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import { watchAccess } from "./access.ts";
import { fault } from "./fault.ts";
import { converges, onlyError, seconds, trouble } from "./trouble.ts";

const server = machine("prod");
const path = "/etc/onprem-fault";
const file = (content = "new\n", more: object = {}) => ({
  name: "one",
  type: "File",
  args: { path, content, ...more },
});
const clean = `rm -f ${path}`;

fault(
  "machine/systemd-degraded",
  {
    done: "systemd is degraded, for a unit of somebody else has failed; a unit of ours is wanted",
    holds: "It does not concern us: one update converges",
  },
  async (report) => {
    const units = "/etc/systemd/system/onprem-fault.service";
    await using _ = await trouble(
      server,
      "systemd-run --quiet --unit=onprem-fault-failed false || true; sleep 0.3; systemctl is-system-running | grep -qx degraded",
      `systemctl reset-failed onprem-fault-failed.service || true; systemctl disable --now onprem-fault.service || true; rm -f ${units}; systemctl daemon-reload`,
    );
    await using stack = await stackOn(server);
    const unit = "[Service]\nExecStart=/bin/sleep infinity\n[Install]\nWantedBy=multi-user.target\n";
    const args = { name: "onprem-fault.service", unit, enabled: true, running: true };
    await converges(stack, [{ name: "unit", type: "SystemdUnit", args }]);
    const state = await within(server, "systemctl is-system-running || true; systemctl is-active onprem-fault.service");
    expect(state).toBe("degraded\nactive");
    report.seen("One update started the unit, the next had nothing to do; systemd was still degraded");
  },
);

fault(
  "machine/rescue-mode",
  {
    done: "Somebody put the server into rescue mode (`systemctl rescue`): sshd is ended, nothing listens",
    holds:
      "One error within seconds that says that no SSH is there, however many resources there are; back in normal mode, one update converges",
  },
  async (report) => {
    await using stack = await stackOn(server, { connection: { dialTimeout: 3 } });
    const others = ["two", "three"].map((name) => ({
      name,
      type: "File",
      args: { path: `${path}-${name}`, content: `${name}\n` },
    }));
    expect((await stack.up([file(), ...others])).errors).toEqual([]);
    await using access = watchAccess(server);
    await using _ = await trouble(
      server,
      `systemctl isolate rescue.target; until systemctl is-system-running | grep -qx maintenance; do sleep 0.1; done; rm ${path}`,
      `systemctl isolate default.target; rm -f ${path} ${path}-two ${path}-three`,
    );
    const failed = await stack.up([file(), ...others]);
    const error = onlyError(failed);
    expect(error).toEqual([
      `no ssh on ${server.addresses.v4}:22 (prod.lab.test)`,
      expect.stringMatching(/^connection refused; tried for [23] s$/),
      "Is the server up, is the address right, and may this machine reach that port?",
      expect.stringContaining("--run-program"),
    ]);
    report.seen(`"${error.slice(0, 2).join(": ")}", after ${seconds(failed.took)}`);
    await within(server, "systemctl isolate default.target");
    report.accessBack(await access.outage());
    expect((await converges(stack, [file(), ...others])).changes).toEqual({ one: "create" });
    report.seen("Back in normal mode, one update put back the one file that was missing");
  },
);

fault(
  "machine/nologin",
  {
    done: "Logins are closed (/run/nologin), as while a server boots, and in the last minutes before a planned shutdown",
    holds:
      "An update that waits 3 s at most ends with an error that repeats what the server says; one that waits longer goes on once logins are open",
  },
  async (report) => {
    const said = "The server goes down at 18:00 for maintenance.";
    await using _ = await trouble(server, `echo '${said}' >/run/nologin`, `rm -f /run/nologin; ${clean}`);
    await using hasty = await stackOn(server, { connection: { dialTimeout: 3 } });
    const error = onlyError(await hasty.up([file()]));
    expect(error).toEqual([
      `no ssh on ${server.addresses.v4}:22 (prod.lab.test)`,
      expect.stringMatching(/^The server goes down at 18:00 for maintenance\.; tried for [1-5] s$/),
      "Is the server up, is the address right, and may this machine reach that port?",
    ]);
    report.seen(`"${error.slice(0, 2).join(": ")}"`);
    await using stack = await stackOn(server);
    const denials = "journalctl -q -u ssh -o cat | grep -c 'Access denied for user deploy by PAM' || true";
    const count = async () => Number(await within(server, denials));
    const before = await count();
    const waiting = converges(stack, [file()]);
    // The sixth attempt comes more than 5 s after the first, and after 5 s it tells of its waiting.
    await expect.poll(count, { timeout: 90_000, interval: 500 }).toBeGreaterThanOrEqual(before + 6);
    await within(server, "rm /run/nologin");
    const { output } = await waiting;
    expect(output).toContain(said);
    report.seen("The other waited, repeated it meanwhile, and converged once logins were open");
  },
);

fault(
  "machine/password-expired",
  {
    done: "The password of our account has expired, so that the server lets nobody in who does not change it",
    holds: "An error that repeats what the server says and what to do; afterwards one update converges",
  },
  async (report) => {
    await using _ = await trouble(
      server,
      "cp -p /etc/shadow /run/onprem-fault-shadow; chage --lastday 0 deploy",
      `mv /run/onprem-fault-shadow /etc/shadow; ${clean}`,
    );
    await using stack = await stackOn(server);
    const error = onlyError(await stack.up([file()]));
    expect(error.join("\n")).toContain("Password change required");
    expect(error.at(-1)).toMatch(/chage/);
    report.seen(`"${error.slice(0, 2).join(": ")}"`);
    await within(server, "cp -p /run/onprem-fault-shadow /etc/shadow");
    await converges(stack, [file()]);
    report.seen("With the password's age as it was, one update converged");
  },
);

fault(
  "machine/home-missing",
  {
    done: "The home of our account is gone, as when its file system is not mounted, and our key with it; then the key is read from elsewhere",
    holds: "First an error that says that the key is not accepted; then everything works without a home",
  },
  async (report) => {
    const dropIn = "/etc/ssh/sshd_config.d/onprem-fault.conf";
    await using _ = await trouble(
      server,
      "mv /home/deploy /home/onprem-fault-away",
      `[ -e /home/deploy ] || mv /home/onprem-fault-away /home/deploy; rm -rf ${dropIn} /etc/ssh/onprem-fault-keys; systemctl reload ssh; ${clean}`,
    );
    await using stack = await stackOn(server);
    const error = onlyError(await stack.up([file()]));
    expect(error[0]).toBe("prod.lab.test does not let deploy in");
    expect(error.at(-1)).toContain("~deploy/.ssh/authorized_keys");
    report.seen(`"${error[0]}", and where the key belongs`);
    await within(
      server,
      `cp /home/onprem-fault-away/.ssh/authorized_keys /etc/ssh/onprem-fault-keys; chmod 644 /etc/ssh/onprem-fault-keys; echo 'AuthorizedKeysFile /etc/ssh/onprem-fault-keys' >${dropIn}; systemctl reload ssh`,
    );
    await converges(stack, [file()]);
    expect(await within(server, `cat ${path}; ls /home`)).toBe("new\nonprem-fault-away");
    report.seen("With the key elsewhere, one update converged and made no home");
  },
);

fault(
  "machine/noisy-login",
  {
    done: "The login shell prints 20 kB of random bytes, words on both outputs and a farewell; sshd shows a banner and a message of the day",
    holds: "It is no part of what we read: one update converges",
  },
  async (report) => {
    const profile = "/home/deploy/.bashrc";
    const dropIn = "/etc/ssh/sshd_config.d/onprem-fault.conf";
    const noise =
      "echo Welcome; head -c 20000 /dev/urandom; echo Beware >&2; alias perl=false; cd /nowhere; trap 'echo Bye' EXIT";
    await using _ = await trouble(
      server,
      `cp -p ${profile} ${profile}.kept; echo "${noise}" >${profile}; echo 'Property of the municipality' >/etc/issue.net; echo 'Banner /etc/issue.net' >${dropIn}; echo 'Message of the day' >/etc/motd; systemctl reload ssh`,
      `mv ${profile}.kept ${profile}; rm -f ${dropIn} /etc/issue.net /etc/motd; systemctl reload ssh; ${clean}`,
    );
    await using stack = await stackOn(server);
    const { warnings } = await converges(stack, [file()]);
    expect(warnings).toEqual([]);
    expect(await within(server, `cat ${path}`)).toBe("new");
    report.seen("One update converged, the next had nothing to do, neither repeated any of it");
  },
);

fault(
  "machine/slow-login",
  {
    done: "Each login takes 22 s (a slow directory behind PAM)",
    holds: "The update works, and takes the delay once: one login for each run",
  },
  async (report) => {
    const delay = "account optional pam_exec.so /bin/sleep 22";
    await using _ = await trouble(
      server,
      `sed -i '1i ${delay}' /etc/pam.d/sshd`,
      `sed -i '/pam_exec.so/d' /etc/pam.d/sshd; ${clean}`,
    );
    const since = await within(server, "date '+%F %T'");
    await using stack = await stackOn(server);
    const slow = await stack.up([file()]);
    expect(slow.errors).toEqual([]);
    expect(slow.took).toBeGreaterThan(22_000);
    const logins = `journalctl -q -u ssh --since '${since}' -o cat | grep -c 'Accepted publickey for deploy'`;
    expect(Number(await within(server, logins))).toBe(1);
    await within(server, "sed -i '/pam_exec.so/d' /etc/pam.d/sshd");
    const quick = await converges(stack, [file()]);
    expect(quick.changes).toEqual({});
    report.seen(`The update took ${seconds(slow.took)} with one login; one without the delay ${seconds(quick.took)}`);
  },
);

fault(
  "machine/slow-login-guarded",
  {
    done: "Each login takes 8 s, and a guarded change of sshd is made, which only a new login confirms",
    holds: "The change is confirmed, with one new login, and kept",
  },
  async (report) => {
    const delay = "account optional pam_exec.so /bin/sleep 8";
    const quick = "sed -i '/pam_exec.so/d' /etc/pam.d/sshd";
    await using _ = await trouble(server, `sed -i '1i ${delay}' /etc/pam.d/sshd`, quick);
    const since = await within(server, "date '+%F %T'");
    await using stack = await stackOn(server);
    const resources = [{ name: "sshd", type: "Sshd", args: { permitRootLogin: "prohibit-password" } }];
    const slow = await stack.up(resources);
    const logins = `journalctl -q -u ssh --since '${since}' -o cat | grep -c 'Accepted publickey for deploy'`;
    const count = Number(await within(server, logins));
    await within(server, quick);
    expect({ errors: slow.errors, warnings: slow.warnings }).toEqual({ errors: [], warnings: [] });
    expect(count).toBe(2);
    expect((await stack.up(resources)).changes).toEqual({});
    expect((await stack.destroy()).errors).toEqual([]);
    report.seen(`Confirmed with the second of two logins; the update took ${seconds(slow.took)}`);
  },
);

fault(
  "machine/dns-dead",
  {
    done: "Nothing answers the server's questions to DNS; sshd looks clients up (UseDNS), sudo does not find the server's own name, apt needs a name",
    holds:
      "A file is written, only later; the package fails with an error that says that names cannot be resolved; with DNS back, one update converges",
  },
  async (report) => {
    const dropIn = "/etc/ssh/sshd_config.d/onprem-fault.conf";
    const proxy = "/etc/apt/apt.conf.d/99onprem-fault";
    await using _ = await trouble(
      server,
      [
        "nft 'table inet onprem_fault { chain input { type filter hook input priority -300; udp sport 53 drop; tcp sport 53 drop; }; }'",
        "cp -p /etc/hosts /etc/resolv.conf /run; sed -i '/prod/d' /etc/hosts",
        // One server, asked once, for a second: what is usual takes 20 times as long, and shows no more.
        `printf 'nameserver ${lab().services.dns.addresses.v4}\\noptions timeout:1 attempts:1\\n' >/etc/resolv.conf`,
        `echo 'UseDNS yes' >${dropIn}; systemctl reload ssh`,
        `echo 'Acquire::http::Proxy "http://controller.lab.test:3142";' >${proxy}; apt-get clean`,
      ].join("; "),
      `nft delete table inet onprem_fault || true; mv /run/hosts /run/resolv.conf /etc; rm -f ${dropIn} ${proxy}; systemctl reload ssh; dpkg --purge tree >/dev/null 2>&1 || true; ${clean}`,
    );
    await using stack = await stackOn(server);
    const package_ = { name: "tools", type: "Package", args: { packages: { tree: "installed" } }, after: ["one"] };
    const failed = await stack.up([file(), package_]);
    const error = onlyError(failed);
    expect(error.join("\n")).toMatch(/Temporary failure resolving 'controller\.lab\.test'/);
    expect(await within(server, `cat ${path}`)).toBe("new");
    report.seen(
      `After ${seconds(failed.took)} the file was there, and "${error.find((line) => line.includes("Temporary failure"))}"`,
    );
    await within(server, "nft delete table inet onprem_fault");
    const healed = await converges(stack, [file(), package_]);
    report.seen(`With DNS back, one update converged in ${seconds(healed.took)}`);
  },
);
