/** One peer of a WireGuard interface (wg(8)). */
export interface WireGuardPeer {
  /** Base64 of 32 bytes, as `wg pubkey` prints it. */
  publicKey: string;
  /** `HOST:PORT` where this side calls the other one; left out where only the other side calls. */
  endpoint?: string;
  /** Ranges that are reached through this peer, and from which it may send; sorted. */
  allowedIps: string[];
  /** Seconds between packets that keep a NAT in between open; 0: none. */
  keepalive: number;
}

/** What wg-quick(8) is told about an interface, apart from what is secret. */
export interface WireGuardConfiguration {
  keyVersion: number;
  addresses: string[];
  listenPort: number;
  mtu: number;
  peers: WireGuardPeer[];
}

/** Where wg-quick(8) looks for an interface. */
export const configurationOf = (name: string) => `/etc/wireguard/${name}.conf`;
/** Where the private key is; it is made on the host and nothing but WireGuard reads it. */
export const keyOf = (name: string) => `/etc/wireguard/${name}.key`;

/** The line that says which key the interface has; only a file that begins so is ours. */
const heading = (version: number) => `# Managed by Pulumi. Private key number ${version}, made on this host.`;
const headingForm = /^# Managed by Pulumi\. Private key number (\d+), made on this host\.$/;

/** The whole file of wg-quick(8). The private key stays in a file of its own, so that nobody ever has to read or write both. */
export function configurationText(
  { keyVersion, addresses, listenPort, mtu, peers }: WireGuardConfiguration,
  presharedKeys: Readonly<Record<string, string>>,
): string {
  const lines = [
    heading(keyVersion),
    "[Interface]",
    ...addresses.map((address) => `Address = ${address}`),
    ...(listenPort > 0 ? [`ListenPort = ${listenPort}`] : []),
    ...(mtu > 0 ? [`MTU = ${mtu}`] : []),
    "PostUp = wg set %i private-key /etc/wireguard/%i.key",
  ];
  for (const { publicKey, endpoint, allowedIps, keepalive } of peers) {
    const preshared = presharedKeys[publicKey];
    lines.push(
      "",
      "[Peer]",
      `PublicKey = ${publicKey}`,
      ...(preshared === undefined ? [] : [`PresharedKey = ${preshared}`]),
      ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
      `AllowedIPs = ${allowedIps.join(", ")}`,
      ...(keepalive > 0 ? [`PersistentKeepalive = ${keepalive}`] : []),
    );
  }
  return `${lines.join("\n")}\n`;
}

/** What a file of wg-quick(8) says, and whether {@link configurationText} could have written it. */
export interface ReadConfiguration extends WireGuardConfiguration {
  presharedKeys: Record<string, string>;
  /** Whether the file is one of ours, word for word. */
  ours: boolean;
}

/** Reads a file of wg-quick(8). Of one that is not ours, only what this resource knows of. */
export function readConfiguration(text: string): ReadConfiguration {
  const read: WireGuardConfiguration = {
    keyVersion: Number(headingForm.exec(text.split("\n")[0] ?? "")?.[1] ?? 0),
    addresses: [],
    listenPort: 0,
    mtu: 0,
    peers: [],
  };
  const presharedKeys: Record<string, string> = {};
  let peer: WireGuardPeer | undefined;
  for (const line of text.split("\n")) {
    const words = line.replace(/#.*/, "").trim();
    if (/^\[peer\]$/i.test(words)) {
      peer = { publicKey: "", allowedIps: [], keepalive: 0 };
      read.peers.push(peer);
    }
    const [, key = "", value = ""] = /^([A-Za-z]+)\s*=\s*(.*)$/.exec(words) ?? [];
    const name = key.toLowerCase();
    if (peer === undefined) {
      if (name === "address") read.addresses.push(...list(value));
      if (name === "listenport") read.listenPort = Number(value);
      if (name === "mtu") read.mtu = Number(value);
    } else {
      if (name === "publickey") peer.publicKey = value;
      if (name === "presharedkey") presharedKeys[peer.publicKey] = value;
      if (name === "endpoint") peer.endpoint = value;
      if (name === "allowedips") peer.allowedIps = [...peer.allowedIps, ...list(value)].sort();
      if (name === "persistentkeepalive") peer.keepalive = value === "off" ? 0 : Number(value);
    }
  }
  return { ...read, presharedKeys, ours: text === configurationText(read, presharedKeys) };
}

function list(value: string): string[] {
  return value.split(/[\s,]+/).filter((word) => word !== "");
}

/** What stands there now, a fact a line: what it is, a tab, and what `wg show`, ip(8) or systemctl(1) say of it. No secret is among it. */
export const lookScript = `
name=$1
told() { sed "s/^/$1\t/"; }
for what in public-key listen-port allowed-ips persistent-keepalive latest-handshakes; do
    wg show "$name" "$what" 2>/dev/null | told "$what"
done
ip -o address show dev "$name" scope global 2>/dev/null | awk '{ print $4 }' | told address
[ ! -s "/etc/wireguard/$name.key" ] || wg pubkey < "/etc/wireguard/$name.key" 2>/dev/null | told key-file
systemctl show --property=ActiveState,UnitFileState -- "wg-quick@$name.service" | told unit
date +%s | told now
`;

/** The interface as the kernel, or wireguard-go, has it. */
export interface WireGuardLive {
  /** Absent while there is no such interface. */
  publicKey?: string;
  listenPort: number;
  addresses: string[];
  peers: { publicKey: string; allowedIps: string[]; keepalive: number }[];
  /** Seconds since the last handshake with each peer; absent where there was none. */
  handshakeAges: Record<string, number>;
  /** The public key that belongs to the private key in its file. */
  keyFile?: string;
  active: boolean;
  enabled: boolean;
}

/** Reads what {@link lookScript} prints. */
export function readLive(text: string): WireGuardLive {
  const facts = text.split("\n").flatMap((line) => {
    const [what, ...words] = line.split(/[\t ]+/);
    return what ? [{ what, words }] : [];
  });
  const all = (what: string) => facts.filter((fact) => fact.what === what).map(({ words }) => words);
  const one = (what: string) => all(what)[0]?.[0];
  const of = (what: string, key: string) =>
    all(what)
      .find(([first]) => first === key)
      ?.slice(1) ?? [];
  const now = Number(one("now"));
  const publicKey = one("public-key");
  const keyFile = one("key-file");
  const units = all("unit").map(([word]) => word);
  return {
    // An interface without a key has one that says so.
    ...(publicKey === undefined || publicKey === "(none)" ? {} : { publicKey }),
    listenPort: Number(one("listen-port") ?? 0),
    addresses: all("address").map(([address = ""]) => address),
    peers: all("allowed-ips").map(([key = "", ...ranges]) => ({
      publicKey: key,
      allowedIps: ranges.filter((range) => range !== "(none)").sort(),
      keepalive: Number(of("persistent-keepalive", key)[0]) || 0,
    })),
    handshakeAges: Object.fromEntries(
      all("latest-handshakes").flatMap(([key = "", at]) => (Number(at) > 0 ? [[key, now - Number(at)]] : [])),
    ),
    ...(keyFile === undefined ? {} : { keyFile }),
    active: units.includes("ActiveState=active"),
    enabled: units.includes("UnitFileState=enabled"),
  };
}
