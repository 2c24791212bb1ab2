import { ComponentResource, type ComponentResourceOptions, type Input, output } from "@pulumi/pulumi";
import { Directory } from "../provider/resources/directory.ts";
import { File } from "../provider/resources/file.ts";
import { Hostname } from "../provider/resources/hostname.ts";
import { Package } from "../provider/resources/package.ts";
import { Sshd } from "../provider/resources/sshd.ts";
import { Sysctl } from "../provider/resources/sysctl.ts";
import { SystemdUnit } from "../provider/resources/systemd-unit.ts";
import { TimeZone } from "../provider/resources/time-zone.ts";
import { User } from "../provider/resources/user.ts";
import type { Settings } from "../settings.ts";
import { type ChildOptions, childOptions } from "./child-options.ts";

/** What every server is, before anything runs on it. */
export interface BaselineArgs {
  /** The one administrator account: name, keys, and whether it exists. */
  administrator: Settings["administrator"];
  /** Time servers and time zone, and whether the clock may be set. */
  time: Settings["time"];
  /** Whether and when the server restarts for security updates. */
  updates: Settings["updates"];
  /** How much the journal keeps. */
  journal: Settings["journal"];
  /** The server's whole name. */
  hostname: string;
  /** Names of the server's network interfaces. */
  interfaces: Input<string[]>;
  /** The account that the provider logs in as; it keeps its way in. */
  login: string;
  /** The host keys that are pinned, one a line. */
  hostKey: string;
}

/**
 * The baseline of a server: name, time, unattended security updates, a journal that survives restarts, network
 * parameters, the one administrator account (ACC-2) and a hardened SSH server.
 *
 * `dependsOn` of the options holds for every child.
 */
export class Baseline extends ComponentResource {
  constructor(name: string, args: BaselineArgs, options: ComponentResourceOptions) {
    super("os2mo:server:Baseline", name, {}, options);
    const child = childOptions(this, options);
    const packages = createPackages(name, child);
    const onPackages = { ...child, dependsOn: packages };

    createHostname(name, args, child);
    createTimeZone(name, args, onPackages);
    createTimeSynchronisation(name, args, onPackages);
    createSecurityUpdates(name, args, onPackages);
    createJournal(name, args, child);
    createNetworkParameters(name, args, child);
    const administrator = createAdministrator(name, args, onPackages);
    createSshd(name, args, { ...child, dependsOn: administrator });
    this.registerOutputs();
  }
}

function createPackages(name: string, options: ChildOptions): Package {
  const names = ["chrony", "nftables", "sudo", "tzdata", "unattended-upgrades"];
  const packages = Object.fromEntries(names.map((name) => [name, "installed"]));
  return new Package(`${name}-packages`, { packages }, options);
}

function createHostname(name: string, { hostname }: BaselineArgs, options: ChildOptions): void {
  new Hostname(`${name}-hostname`, { name: hostname }, options);
}

function createTimeZone(name: string, { time }: BaselineArgs, options: ChildOptions): void {
  new TimeZone(`${name}-time-zone`, { zone: time.zone }, options);
}

/**
 * chrony rather than systemd's own client: it keeps time over slow and lossy links, and says how far off it is. Where the
 * clock must not be set it runs too, and only measures.
 */
function createTimeSynchronisation(name: string, { time }: BaselineArgs, options: ChildOptions): void {
  const servers = new File(
    `${name}-time-servers`,
    { path: "/etc/chrony/chrony.conf", content: chronyText(time.servers), adopt: true },
    options,
  );
  const flags = new File(
    `${name}-time-options`,
    { path: "/etc/default/chrony", content: chronyOptionsText(time.adjust), adopt: true },
    options,
  );
  new SystemdUnit(
    `${name}-time`,
    {
      name: "chrony.service",
      enabled: true,
      running: true,
      // A container has no right to set the clock, and the unit skips itself there although chronyd would only measure.
      ...(time.adjust ? {} : { dropIns: { onprem: "[Unit]\nConditionCapability=\n" } }),
      reads: { "/etc/chrony/chrony.conf": servers.sha256, "/etc/default/chrony": flags.sha256 },
    },
    options,
  );
}

function createSecurityUpdates(name: string, { updates }: BaselineArgs, options: ChildOptions): void {
  new File(
    `${name}-updates-policy`,
    {
      // After the distribution's own files, whose numbers are 20 and 50: the last value wins.
      path: "/etc/apt/apt.conf.d/60onprem-updates",
      content: updatesText(updates),
      validate: ["apt-config", "-c", "{}", "dump"],
    },
    options,
  );
  for (const timer of ["apt-daily", "apt-daily-upgrade"]) {
    new SystemdUnit(`${name}-${timer}`, { name: `${timer}.timer`, enabled: true, running: true }, options);
  }
}

function createJournal(name: string, { journal }: BaselineArgs, options: ChildOptions): void {
  const folder = new Directory(
    `${name}-journal-folder`,
    { path: "/etc/systemd/journald.conf.d", shared: true },
    options,
  );
  const path = "/etc/systemd/journald.conf.d/60-onprem.conf";
  const bounds = new File(
    `${name}-journal-bounds`,
    { path, content: journalText(journal) },
    { ...options, dependsOn: folder },
  );
  new SystemdUnit(
    `${name}-journal`,
    { name: "systemd-journald.service", running: true, reads: { [path]: bounds.sha256 } },
    options,
  );
}

function createNetworkParameters(name: string, { interfaces }: BaselineArgs, options: ChildOptions): void {
  const values = output(interfaces).apply(networkParameters);
  new Sysctl(`${name}-network`, { name: "onprem-network", values }, options);
}

/**
 * One account, by SSH key only, with sudo. The customer may have made it already; so when it is disabled (Q-SRV-9) it is
 * not removed, which would hand it back with the keys and rights it had, but kept without any way in.
 */
function createAdministrator(name: string, { administrator, login }: BaselineArgs, options: ChildOptions): User {
  const { enabled, keys } = administrator;
  return new User(
    `${name}-administrator`,
    {
      name: administrator.name,
      comment: "OS2mo administrator",
      ...(enabled ? { authorizedKeys: keys, sudo: "all-nopasswd" as const } : { shell: "/usr/sbin/nologin" }),
      adopt: true,
    },
    // No account can remove itself: where the stack is destroyed by it, it stays.
    { ...options, retainOnDelete: administrator.name === login },
  );
}

/** Comes after the administrator: where its login is the one that is to last, that one confirms that the others may go. */
function createSshd(name: string, { login, hostKey }: BaselineArgs, options: ChildOptions): void {
  const pinned = hostKey.split("\n").some((line) => line.startsWith("ecdsa-"));
  new Sshd(
    `${name}-sshd`,
    {
      permitRootLogin: login === "root" ? "prohibit-password" : "no",
      // A key by which we know the server stays.
      ...(pinned ? { withoutHostKeys: [] } : {}),
    },
    options,
  );
}

/** The whole of chrony.conf(5), in words that version 3.5 of Ubuntu 20.04 knows too. Time is asked for, never given. */
export function chronyText(servers: readonly string[]): string {
  return lines([
    "# Managed by Pulumi.",
    ...servers.map((server) => `server ${server} iburst`),
    "driftfile /var/lib/chrony/chrony.drift",
    // At start, and never later: a clock that jumps breaks more than one that is wrong.
    "makestep 1 3",
    "rtcsync",
    "maxupdateskew 100",
    "port 0",
    "cmdport 0",
  ]);
}

/** Arguments of chronyd(8): its system call filter, and -x where the clock must not be set. */
export function chronyOptionsText(adjust: boolean): string {
  return lines(["# Managed by Pulumi.", `DAEMON_OPTS="-F 1${adjust ? "" : " -x"}"`]);
}

/** Security updates every day, from the distribution's security archives alone, and when a server may restart for them. */
export function updatesText({ reboot, rebootAt }: Settings["updates"]): string {
  return lines([
    "// Managed by Pulumi.",
    'APT::Periodic::Enable "1";',
    'APT::Periodic::Update-Package-Lists "1";',
    'APT::Periodic::Unattended-Upgrade "1";',
    // Lists are added to, so the distribution's own must go first.
    "#clear Unattended-Upgrade::Allowed-Origins;",
    "#clear Unattended-Upgrade::Origins-Pattern;",
    "Unattended-Upgrade::Origins-Pattern {",
    `  "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security";`,
    `  "origin=Ubuntu,archive=\${distro_codename}-security,label=Ubuntu";`,
    `  "origin=UbuntuESM,archive=\${distro_codename}-infra-security,label=UbuntuESM";`,
    `  "origin=UbuntuESMApps,archive=\${distro_codename}-apps-security,label=UbuntuESMApps";`,
    "};",
    `Unattended-Upgrade::Automatic-Reboot "${reboot}";`,
    `Unattended-Upgrade::Automatic-Reboot-Time "${rebootAt}";`,
    'Unattended-Upgrade::Automatic-Reboot-WithUsers "true";',
    'Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";',
    'Unattended-Upgrade::SyslogEnable "true";',
  ]);
}

/** A drop-in of journald.conf(5). */
export function journalText({ maxUse, keepDays }: Settings["journal"]): string {
  return lines(["[Journal]", "Storage=persistent", `SystemMaxUse=${maxUse}`, `MaxRetentionSec=${keepDays}day`]);
}

const all = {
  "net.ipv4.icmp_echo_ignore_broadcasts": "1",
  "net.ipv4.icmp_ignore_bogus_error_responses": "1",
  "net.ipv4.tcp_syncookies": "1",
  ...each("ipv4", ["all", "default"], { accept_source_route: "0", rp_filter: "1" }),
  ...each("ipv6", ["all", "default"], { accept_source_route: "0" }),
};

/**
 * A server is no router for strangers. Forwarding itself is left alone: it is Docker's. Of `rp_filter` the kernel takes the
 * larger of `all` and the interface's own, so an interface may be looser, and none is without. Redirects are believed where
 * either says so (net/ipv4 and net/ipv6 of the kernel's ip-sysctl documentation), and an interface that is there already
 * keeps its own value: so the interfaces are named.
 */
export function networkParameters(interfaces: readonly string[]): Record<string, string> {
  // Those of containers and tunnels come and go. A dot in a name is a slash in a key (sysctl.d(5)).
  const lasting = interfaces.filter((name) => !/^(lo|docker|br-|veth|virbr|cni|podman|wg|tun|tap)/.test(name));
  const names = ["all", "default", ...lasting.map((name) => name.replaceAll(".", "/"))];
  const values = {
    ...all,
    ...each("ipv4", names, { accept_redirects: "0", secure_redirects: "0", send_redirects: "0" }),
    ...each("ipv6", names, { accept_redirects: "0" }),
  };
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function each(family: "ipv4" | "ipv6", names: readonly string[], values: Record<string, string>) {
  return Object.fromEntries(
    names.flatMap((name) => Object.entries(values).map(([key, value]) => [`net.${family}.conf.${name}.${key}`, value])),
  );
}

function lines(text: readonly string[]): string {
  return `${text.join("\n")}\n`;
}
