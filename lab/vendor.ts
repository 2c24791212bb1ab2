import { type AddressPlan, domain, serverNames } from "./address-plan.ts";
import type { Recipe } from "./recipe.ts";

/** Ports where the servers look for the Salt master (NET-2). */
export const masterPorts = [4505, 4506] as const;

/** One A and one AAAA record for everything with a fixed name. */
function hostRecords(plan: AddressPlan): string[] {
  return [...serverNames, "vendor" as const, "controller" as const].flatMap((name) => [
    `${name} A ${plan.places[name].v4}`,
    `${name} AAAA ${plan.places[name].v6}`,
  ]);
}

/** The files that make a bare machine with bind9 and chrony the vendor's host. */
export function vendorFiles(plan: AddressPlan): Recipe["files"] {
  const { vendor } = plan.places;
  const text = (lines: readonly string[], mode = 0o644) => ({ content: `${lines.join("\n")}\n`, mode });
  const clients = `127.0.0.0/8; ::1; ${plan.ranges.v4}; ${plan.ranges.v6};`;
  return {
    "/etc/bind/named.conf": text([
      "options {",
      '  directory "/var/cache/bind";',
      `  listen-on { 127.0.0.1; ${vendor.v4}; };`,
      `  listen-on-v6 { ::1; ${vendor.v6}; };`,
      // Recursion follows a CNAME from one local zone into another; the local root zone keeps every question inside.
      `  recursion yes; allow-query { ${clients} }; allow-recursion { ${clients} };`,
      "  max-cache-size 16m; empty-zones-enable no; dnssec-validation no; allow-transfer { none; };",
      "};",
      "controls { };",
      'zone "." { type primary; file "/etc/bind/root.zone"; };',
      `zone "${domain}" { type primary; file "/etc/bind/${domain}.zone"; };`,
    ]),
    "/etc/bind/root.zone": text([
      "$TTL 60",
      "@ SOA ns. root. 1 60 60 3600 5",
      "@ NS ns.",
      `ns. A ${vendor.v4}`,
      `ns. AAAA ${vendor.v6}`,
    ]),
    [`/etc/bind/${domain}.zone`]: text([
      "$TTL 60",
      `@ SOA vendor.${domain}. root.${domain}. 1 60 60 3600 5`,
      "@ NS vendor",
      ...hostRecords(plan),
    ]),
    // The machine's own clock, told to the servers and never touched: -x, and no right to set it either.
    "/etc/chrony/chrony.conf": text([
      "local stratum 8",
      `allow ${plan.ranges.v4}`,
      `allow ${plan.ranges.v6}`,
      "driftfile /var/lib/chrony/chrony.drift",
    ]),
    "/etc/default/chrony": text(['DAEMON_OPTS="-x -F 0"']),
    "/etc/systemd/system/chrony.service.d/lab.conf": text([
      "[Unit]",
      "# chronyd skips itself on a machine that may not set the clock; with -x it does not want to.",
      "ConditionCapability=",
    ]),
    // Not Salt: something that accepts and closes, so that the way to the master can be tested.
    "/etc/systemd/system/master-port.socket": text([
      "[Unit]",
      "Description=Placeholder on the ports of a Salt master",
      "[Socket]",
      ...masterPorts.map((port) => `ListenStream=${port}`),
      "Accept=yes",
      "TriggerLimitIntervalSec=0",
      "[Install]",
      "WantedBy=sockets.target",
    ]),
    "/etc/systemd/system/master-port@.service": text([
      "[Unit]",
      "Description=Placeholder connection on a port of a Salt master",
      "CollectMode=inactive-or-failed",
      "[Service]",
      "ExecStart=/bin/true",
      "StandardInput=socket",
    ]),
  };
}

/** Unit links of the vendor's host, as `systemctl enable` would make them. */
export const vendorUnits: Readonly<Record<string, string>> = {
  "/etc/systemd/system/sockets.target.wants/master-port.socket": "/etc/systemd/system/master-port.socket",
};
