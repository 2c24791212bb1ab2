import { fingerScript } from "../salt-values.ts";

/** Where our part of the minion's configuration is; the package's own files stay as they are. */
export const minionFile = "/etc/salt/minion.d/onprem.conf";
/** The minion's own key, and what it remembers of its master. */
export const minionKeys = "/etc/salt/pki/minion";
export const minionUnit = "salt-minion.service";

/** What the minion is told. */
export interface MinionConfiguration {
  master: string;
  masterFingerprint: string;
  minionId: string;
  grains: Record<string, string>;
  keyVersion: number;
}

const heading = (version: number) => `# Managed by Pulumi. Key number ${version}, made on this host.`;

/** The whole of our file. JSON is YAML. */
export function minionText({ master, masterFingerprint, minionId, grains, keyVersion }: MinionConfiguration): string {
  const sorted = Object.entries(grains).sort(([one], [other]) => (one < other ? -1 : 1));
  return `${[
    heading(keyVersion),
    `master: ${JSON.stringify(master)}`,
    ...(master.includes(":") ? ["ipv6: true"] : []),
    `master_finger: ${JSON.stringify(masterFingerprint)}`,
    `id: ${JSON.stringify(minionId)}`,
    // A key that waits for its acceptance is shown again every five seconds.
    "acceptance_wait_time: 5",
    // Nor does it give up where another's key under its name came first.
    "rejected_retry: true",
    `grains: ${JSON.stringify(Object.fromEntries(sorted))}`,
  ].join("\n")}\n`;
}

/** Reads our file; `undefined` where somebody else wrote it. */
export function readMinionText(text: string): MinionConfiguration | undefined {
  const value = (name: string): unknown => {
    const found = new RegExp(`^${name}: (.*)$`, "m").exec(text)?.[1];
    try {
      return found === undefined ? undefined : JSON.parse(found);
    } catch {
      return undefined;
    }
  };
  const version = /^# Managed by Pulumi\. Key number (\d+),/.exec(text)?.[1];
  const read = {
    master: String(value("master")),
    masterFingerprint: String(value("master_finger")),
    minionId: String(value("id")),
    grains: (value("grains") ?? {}) as Record<string, string>,
    keyVersion: Number(version ?? 0),
  };
  return text === minionText(read) ? read : undefined;
}

/** What stands there now, a fact a line: what it is, a blank, and its value. */
export const minionLookScript = `${fingerScript}
told() { while read -r line; do echo "$1 $line"; done; }
finger ${minionKeys}/minion.pub | told finger
finger ${minionKeys}/minion_master.pub | told master-finger
systemctl show --property=LoadState,ActiveState,UnitFileState -- ${minionUnit} | told unit
ss -Htn state established dport = :4505 2>/dev/null | told connection
[ ! -e /run/onprem/units/${minionUnit} ] || tail -n +2 /run/onprem/units/${minionUnit} | tr '\\0' '\\n' | told loaded
sha256sum ${minionFile} 2>/dev/null | told file
`;

/** The minion as it runs. */
export interface MinionLive {
  /** Of its own public key; absent while there is none. */
  fingerprint?: string;
  /** Of the master that it trusts; absent before it met one. */
  masterFingerprint?: string;
  installed: boolean;
  active: boolean;
  enabled: boolean;
  connected: boolean;
  /** Whether it was started with the file that stands there now. */
  current: boolean;
}

/** Reads what {@link minionLookScript} prints. */
export function readMinionLive(text: string): MinionLive {
  const lines = text.split("\n").map((line) => line.split(" "));
  const all = (what: string) => lines.filter(([first]) => first === what).map(([, ...words]) => words.join(" "));
  const units = all("unit");
  const [finger] = all("finger");
  const [master] = all("master-finger");
  const [file] = all("file");
  return {
    ...(finger === undefined ? {} : { fingerprint: finger }),
    ...(master === undefined ? {} : { masterFingerprint: master }),
    installed: units.includes("LoadState=loaded"),
    active: units.includes("ActiveState=active"),
    enabled: units.includes("UnitFileState=enabled"),
    connected: all("connection").length > 0,
    current: file !== undefined && all("loaded").includes(file),
  };
}

/**
 * Knocks at the master: three packets for each port, whose segment sizes it knows the server by. Nothing waits for an
 * answer, and no connection is left. `$ARGV`: address, then port and size by turns.
 */
export const knockProgram = `use Socket qw(:all); use Fcntl;
my $address = shift; my $six = $address =~ /:/;
my $packed = inet_pton($six ? AF_INET6 : AF_INET, $address) or exit 0;
while (@ARGV) {
    my ($port, $size) = splice @ARGV, 0, 2;
    for (1 .. 3) {
        socket(my $s, $six ? PF_INET6 : PF_INET, SOCK_STREAM, IPPROTO_TCP) or exit 0;
        setsockopt($s, IPPROTO_TCP, 2, pack("i", $size));
        fcntl($s, F_SETFL, fcntl($s, F_GETFL, 0) | O_NONBLOCK);
        connect($s, $six ? pack_sockaddr_in6($port, $packed) : pack_sockaddr_in($port, $packed));
        select(undef, undef, undef, 0.05);
        close($s);
    }
}`;
