import { readConfiguration, type WireGuardPeer } from "./wire-guard-texts.ts";

/** Where a peer's own file is, beside the interface's. */
export const peerFileOf = (device: string, name: string) => `/etc/wireguard/${device}.peers/${name}.conf`;
/** What adds the files of all peers to an interface. */
export const dropInOf = (device: string) => `/etc/systemd/system/wg-quick@${device}.service.d/onprem-peers.conf`;

/** Adds each file to the interface; `$$` is systemd's for one `$` (systemd.service(5)). */
const addAll =
  'for file in /etc/wireguard/%i.peers/*.conf; do [ ! -f "$$file" ] || wg addconf %i "$$file" || exit; done';

/** After the interface came up, and after its own file was loaded anew, which takes every other peer away. */
export const bootText = `# Managed by Pulumi.
[Service]
ExecStartPost=/bin/sh -c '${addAll}'
ExecReload=/bin/sh -c '${addAll}'
`;

const heading = "# Managed by Pulumi.";

/** One peer, whole, as `wg addconf` reads it. */
export function peerText({
  publicKey,
  presharedKey,
  allowedIps,
  keepalive,
}: Omit<WireGuardPeer, "endpoint"> & { presharedKey?: string }): string {
  const lines = [
    heading,
    "[Peer]",
    `PublicKey = ${publicKey}`,
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    `AllowedIPs = ${allowedIps.join(", ")}`,
    ...(keepalive > 0 ? [`PersistentKeepalive = ${keepalive}`] : []),
  ];
  return `${lines.join("\n")}\n`;
}

/** What a peer's file says, and whether {@link peerText} could have written it. */
export function readPeerFile(text: string): WireGuardPeer & { presharedKey?: string; ours: boolean } {
  const { peers, presharedKeys } = readConfiguration(text);
  const { publicKey = "", allowedIps = [], keepalive = 0 } = peers[0] ?? {};
  const presharedKey = presharedKeys[publicKey];
  const read = { publicKey, allowedIps, keepalive, ...(presharedKey === undefined ? {} : { presharedKey }) };
  return { ...read, ours: text === peerText(read) };
}

/**
 * What the interface has now, a fact a line: what it is, a tab, and what `wg show` says of it. Of the pre-shared key only
 * whether it is the file's.
 */
export const peerLookScript = `
device=$1 file=$2
told() { sed "s/^/$1\\t/"; }
for what in allowed-ips persistent-keepalive latest-handshakes; do
    wg show "$device" "$what" 2>/dev/null | told "$what"
done
! wg show "$device" public-key >/dev/null 2>&1 || echo up
if [ -f "$file" ]; then
    key=$(sed -n 's/^PublicKey = //p' "$file")
    filed=$(sed -n 's/^PresharedKey = //p' "$file")
    live=$(wg show "$device" preshared-keys 2>/dev/null | sed -n "s|^$key\\t||p")
    [ "\${live:-(none)}" = "\${filed:-(none)}" ] || echo preshared-differs
fi
date +%s | told now
`;

/** The interface and its peers, as {@link peerLookScript} prints them. */
export interface PeerLive {
  up: boolean;
  /** By public key. */
  peers: Record<string, { allowedIps: string[]; keepalive: number; handshakeAge?: number }>;
  presharedDiffers: boolean;
}

/** Reads what {@link peerLookScript} prints. */
export function readPeerLive(text: string): PeerLive {
  const lines = text.split("\n").map((line) => line.split(/[\t ]+/));
  const of = (what: string) => lines.flatMap(([first, key = "", ...words]) => (first === what ? [{ key, words }] : []));
  const now = Number(of("now")[0]?.key);
  const word = (what: string, key: string) => of(what).find((fact) => fact.key === key)?.words[0];
  const peers: PeerLive["peers"] = {};
  for (const { key, words } of of("allowed-ips")) {
    const at = Number(word("latest-handshakes", key) ?? 0);
    peers[key] = {
      allowedIps: words.filter((range) => range !== "(none)").sort(),
      keepalive: Number(word("persistent-keepalive", key)) || 0,
      ...(at > 0 ? { handshakeAge: now - at } : {}),
    };
  }
  return { up: of("up").length > 0, peers, presharedDiffers: of("preshared-differs").length > 0 };
}
