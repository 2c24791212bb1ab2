/** Where the rules stand that are loaded at boot. */
export function rulesFile(table: string): string {
  return table === "onprem" ? "/etc/onprem/firewall.nft" : `/etc/onprem/firewall-${table}.nft`;
}

/** The unit that loads them. */
export function unitName(table: string): string {
  return table === "onprem" ? "onprem-firewall.service" : `onprem-firewall-${table}.service`;
}

/** Where the unit stands. */
export function unitFile(table: string): string {
  return `/etc/systemd/system/${unitName(table)}`;
}

/**
 * Loads the rules before there is a network (systemd.special(7): network-pre.target). Stopping it leaves them. A guarded
 * change that was never confirmed is put back first, and the file may then be absent.
 */
export function bootUnit(table: string): string {
  return `[Unit]
Description=Firewall rules of the table inet ${table}
DefaultDependencies=no
RequiresMountsFor=/etc/onprem /usr/sbin
After=systemd-modules-load.service onprem-guard-files.service
Before=network-pre.target sysinit.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExists=${rulesFile(table)}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${rulesFile(table)}

[Install]
WantedBy=sysinit.target
`;
}
