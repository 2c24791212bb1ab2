/** One look at the server after a change: what it must answer, and the words of the command that asks. */
interface Check {
  readonly what: string;
  /** No word holds a quote; they stand in a shell text. */
  readonly argv: readonly string[];
}

/** What must be true of every server when an update has ended. */
export const checks: readonly Check[] = [
  { what: "the SSH server accepts its configuration", argv: ["sshd", "-t"] },
  { what: "the firewall is loaded", argv: ["nft", "list", "table", "inet", "onprem"] },
  { what: "the firewall is loaded at boot", argv: ["systemctl", "is-enabled", "onprem-firewall.service"] },
  // 30 tries, a second apart: the first answers come within ten.
  { what: "the clock is compared with a time server", argv: ["chronyc", "-n", "waitsync", "30", "0", "0", "1"] },
  { what: "security updates are due every day", argv: ["systemctl", "is-active", "apt-daily-upgrade.timer"] },
  { what: "the journal survives restarts", argv: ["test", "-d", "/var/log/journal"] },
];

/**
 * The checks as a text for sh: a line for each that passes, and the tool's own words for each that does not. Every check
 * runs; the exit code is 1 if any failed. Works for root and for an account with `sudo` without a password.
 */
export function verificationText(): string {
  return `${[
    "PATH=$PATH:/usr/sbin:/sbin",
    "failed=0",
    "check() {",
    "  what=$1; shift",
    '  if [ "$(id -u)" -ne 0 ]; then set -- sudo -n -- "$@"; fi',
    '  if said=$("$@" 2>&1); then echo "ok: $what"; else echo "FAILED: $what: $said"; failed=1; fi',
    "}",
    ...checks.map(({ what, argv }) => `check '${what}' ${argv.join(" ")}`),
    "exit $failed",
  ].join("\n")}\n`;
}
