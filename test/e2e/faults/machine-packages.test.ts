import { setTimeout as sleep } from "node:timers/promises";
import { expect } from "vitest";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import { fault } from "./fault.ts";
import { converges, onlyError, seconds, trouble } from "./trouble.ts";

const server = machine("dev");
const tree = (more: object = {}): Declared => ({
  name: "tools",
  type: "Package",
  args: { packages: { tree: "installed" }, ...more },
});
const treeStatus = () => within(server, `dpkg-query -W -f '\${db:Status-Status}' tree 2>/dev/null || echo absent`);

/** While this file is there, the package's own script goes on. */
const busy = "/run/onprem-fault-busy";
const purge =
  `rm -f ${busy} /usr/lib/onprem-fault.deb; systemctl stop onprem-fault-apt.service 2>/dev/null || true; ` +
  "for package in onprem-fault tree; do dpkg --purge --force-all $package >/dev/null 2>&1 || true; done; rm -f /var/lib/dpkg/info/onprem-fault.*";

/** A real package, made on the server, whose configuring does what the script says. */
const packageThat = (script: string) => `
  folder=$(mktemp -d); mkdir "$folder/DEBIAN"
  printf 'Package: onprem-fault\nVersion: 1\nArchitecture: all\nMaintainer: nobody <nobody@lab.test>\nDescription: to be in the way\n' >"$folder/DEBIAN/control"
  printf '#!/bin/sh\n%s\n' ${quoted(script)} >"$folder/DEBIAN/postinst"; chmod 755 "$folder/DEBIAN/postinst"
  dpkg-deb --build "$folder" /usr/lib/onprem-fault.deb >/dev/null; rm -rf "$folder"`;

/** Somebody else installs that package, in a service of its own, and is in the middle of it when this returns. */
const installing = `
  touch ${busy}
  systemd-run --quiet --collect --unit=onprem-fault-apt dpkg --install /usr/lib/onprem-fault.deb
  until dpkg-query -W -f '\${db:Status-Status}' onprem-fault 2>/dev/null | grep -q half-configured; do sleep 0.1; done`;

fault(
  "machine/dpkg-locked",
  {
    done: "Somebody else's dpkg holds the lock for more than two minutes; an update waits 2 s at most, another as long as it does by itself",
    holds:
      "The first fails with an error that names the process; the second says while it waits whom it waits for, and then installs",
    timeout: 360_000,
  },
  async (report) => {
    const script = `while [ -e ${busy} ]; do sleep 0.2; done`;
    await using _ = await trouble(server, packageThat(script) + installing, purge);
    const began = performance.now();
    await using stack = await stackOn(server);
    const error = onlyError(await stack.up([tree({ lockTimeout: 2 })]));
    expect(error).toEqual([
      'onprem:linux:Package "tools": could not wait for other package managers and finish what was interrupted on dev.lab.test',
      expect.stringMatching(
        /^perl: process \d+ \(\S*dpkg --install \/usr\/lib\/onprem-fault\.deb\) holds \/var\/lib\/dpkg\/lock\S*; waited [2-4] s \(exit 75\)$/,
      ),
      "Let it finish, or end it if it hangs, then run the update again; `lockTimeout` is how long we wait.",
    ]);
    expect(await treeStatus()).toBe("absent");
    report.seen(`"${error[1]}"`);
    const waiting = converges(stack, [tree()]);
    await sleep(Math.max(0, 125_000 - (performance.now() - began)));
    const held = performance.now() - began;
    await within(server, `rm ${busy}`);
    const run = await waiting;
    const said = /dev\.lab\.test: \d+ s so far to wait for[^"\\]*/.exec(run.output)?.[0] ?? "";
    expect(said).toMatch(
      /: process \d+ \(\S*dpkg --install \/usr\/lib\/onprem-fault\.deb\) holds \/var\/lib\/dpkg\/lock/,
    );
    expect(await treeStatus()).toBe("installed");
    report.seen(`The other said "${said}", and installed once the lock was free, after ${seconds(held)}`);
  },
);

fault(
  "machine/dpkg-interrupted",
  {
    done: "dpkg was killed while it configured a package (kill -9), as by a power cut; another package is wanted",
    holds: "One update finishes what was interrupted and installs",
  },
  async (report) => {
    const script = `while [ -e ${busy} ]; do sleep 0.2; done`;
    await using _ = await trouble(server, packageThat(script) + installing, purge);
    await within(server, `systemctl kill --signal=KILL onprem-fault-apt.service; rm ${busy}`);
    const audit = await within(server, "dpkg --audit");
    expect(audit).toMatch(/half configured[\s\S]*onprem-fault/);
    await using stack = await stackOn(server);
    await converges(stack, [tree()]);
    expect([await within(server, "dpkg --audit"), await treeStatus()]).toEqual(["", "installed"]);
    report.seen(
      "Before, `dpkg --audit` named a half configured package, afterwards none, and what was wanted was there",
    );
  },
);

fault(
  "machine/dpkg-package-broken",
  {
    done: "A package that somebody installed cannot be configured: its script fails each time; another package is wanted",
    holds: "An error that names the broken package and says what to do; with it removed, one update converges",
  },
  async (report) => {
    const broken = "echo 'the licence server is gone' >&2; exit 3";
    await using _ = await trouble(
      server,
      `${packageThat(broken)}; dpkg --install /usr/lib/onprem-fault.deb >/dev/null 2>&1 || true`,
      purge,
    );
    await using stack = await stackOn(server);
    const error = onlyError(await stack.up([tree()]));
    expect(error.join("\n")).toMatch(/the licence server is gone\n.*error processing package onprem-fault/);
    expect(error.at(-1)).toBe(
      "Mend or remove the package that it names (`dpkg --configure -a` shows the same), then run the update again.",
    );
    expect(await treeStatus()).toBe("absent");
    report.seen(`"${error.slice(1, 3).join(" ")}", and what to do`);
    await within(server, "dpkg --purge onprem-fault >/dev/null 2>&1");
    await converges(stack, [tree()]);
    report.seen("With it removed, one update installed what was wanted");
  },
);

fault(
  "machine/package-archive-out-of-reach",
  {
    done: "Neither package lists nor packages are on the server, and the archive refuses connections",
    holds: "An error that names the archive and its refusal; with the archive back, one update converges",
  },
  async (report) => {
    const proxy = "/etc/apt/apt.conf.d/99onprem-fault";
    const { v4 } = lab().controller.addresses;
    await using _ = await trouble(
      server,
      `echo 'Acquire::http::Proxy "http://${v4}:9";' >${proxy}; apt-get clean; find /var/lib/apt/lists -type f -delete`,
      `rm -f ${proxy}; ${purge}`,
    );
    await using stack = await stackOn(server);
    const failed = await stack.up([tree()]);
    const error = onlyError(failed);
    expect(error.join("\n")).toMatch(
      new RegExp(`Could not connect to ${v4.replaceAll(".", "\\.")}:9.*onnection refused`),
    );
    expect(error.join("\n")).toContain("no package source of this host has tree");
    report.seen(`After ${seconds(failed.took)} "${error.find((line) => line.includes("Could not connect"))}"`);
    await within(server, `rm ${proxy}`);
    await converges(stack, [tree()]);
    expect(await treeStatus()).toBe("installed");
    report.seen("With the archive back, one update fetched the lists and installed");
  },
);

fault(
  "machine/disk-full-for-packages",
  {
    done: "The file system of /var/cache/apt has 8 KB left when a package is to be fetched",
    holds: "An error that says so, and nothing of the package installed; with room, one update converges",
  },
  async (report) => {
    const folder = "/var/cache/apt/archives";
    await using _ = await trouble(
      server,
      `mount -t tmpfs -o size=16k tmpfs ${folder}; mkdir ${folder}/partial; head -c 8192 /dev/zero >${folder}/ballast`,
      `umount ${folder}; ${purge}`,
    );
    await using stack = await stackOn(server);
    const error = onlyError(await stack.up([tree()]));
    expect(error.join("\n")).toMatch(/You don't have enough free space in \/var\/cache\/apt\/archives/);
    expect(await treeStatus()).toBe("absent");
    report.seen(`"${error[1]}"`);
    await within(server, `mount -o remount,size=8m ${folder}`);
    await converges(stack, [tree()]);
    report.seen("With room, one update installed it");
  },
);

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
