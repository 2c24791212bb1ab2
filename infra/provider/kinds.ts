import type { AnyKind } from "./kind.ts";

/** Kinds by their type, each loaded when it is first asked for: a plugin's process needs few of them, and often none. */
export type Kinds = Readonly<Record<string, () => Promise<AnyKind>>>;

/** Every resource that the plugin serves. A new one is added here and nowhere else. */
export const kinds: Kinds = {
  "onprem:acme:AcmeAccount": async () => (await import("./resources/acme-account.ts")).acmeAccount,
  "onprem:acme:AcmeCertificate": async () => (await import("./resources/acme-certificate.ts")).acmeCertificate,
  "onprem:dns:DnsRecords": async () => (await import("./resources/dns-records.ts")).dnsRecords,
  "onprem:dns:HostRecord": async () => (await import("./resources/host-record.ts")).hostRecord,
  "onprem:linux:Directory": async () => (await import("./resources/directory.ts")).directory,
  "onprem:linux:Facts": async () => (await import("./resources/facts.ts")).facts,
  "onprem:linux:File": async () => (await import("./resources/file.ts")).file,
  "onprem:linux:FileTree": async () => (await import("./resources/file-tree.ts")).fileTree,
  "onprem:linux:Firewall": async () => (await import("./resources/firewall.ts")).firewall,
  "onprem:linux:Hostname": async () => (await import("./resources/hostname.ts")).hostname,
  "onprem:linux:NftSetElements": async () => (await import("./resources/nft-set-elements.ts")).nftSetElements,
  "onprem:linux:Package": async () => (await import("./resources/package.ts")).aptPackage,
  "onprem:linux:SaltKey": async () => (await import("./resources/salt-key.ts")).saltKey,
  "onprem:linux:SaltMinion": async () => (await import("./resources/salt-minion.ts")).saltMinion,
  "onprem:linux:SaltSource": async () => (await import("./resources/salt-source.ts")).saltSource,
  "onprem:linux:Sshd": async () => (await import("./resources/sshd.ts")).sshd,
  "onprem:linux:Sysctl": async () => (await import("./resources/sysctl.ts")).sysctl,
  "onprem:linux:SystemdUnit": async () => (await import("./resources/systemd-unit.ts")).systemdUnit,
  "onprem:linux:TimeZone": async () => (await import("./resources/time-zone.ts")).timeZone,
  "onprem:linux:User": async () => (await import("./resources/user.ts")).user,
  "onprem:linux:WireGuard": async () => (await import("./resources/wire-guard.ts")).wireGuard,
  "onprem:linux:WireGuardPeer": async () => (await import("./resources/wire-guard-peer.ts")).wireGuardPeer,
};

/** All of them, for what is written about the whole: the schema, the documents. */
export function allKinds(some: Kinds = kinds): Promise<AnyKind[]> {
  return Promise.all(Object.values(some).map((load) => load()));
}
