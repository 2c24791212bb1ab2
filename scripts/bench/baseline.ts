import type { Variant } from "./work.ts";

/** A small real baseline, in words that every peer has: each expresses it with its own resources, modules or states. */
export interface Baseline {
  /** Debian packages that are not on a bare server, small ones: what is compared is the tool, not the archive. */
  readonly packages: readonly string[];
  readonly unit: { readonly name: string; readonly text: string };
  readonly user: { readonly name: string; readonly shell: string; readonly key: string };
  readonly sysctl: { readonly file: string; readonly values: Readonly<Record<string, string>> };
  /** A rules file that nftables.service loads. */
  readonly firewall: { readonly path: string; readonly text: string };
  /** A drop-in of sshd, valid by itself, so that `sshd -t -f` judges it. */
  readonly sshd: { readonly path: string; readonly text: string };
}

/** Words of the sysctl file and of the drop-in in which names of kernel parameters of the project's `Sysctl` differ from nobody's. */
export const sysctlName = "bench";

/** A key that nobody has the private half of. */
const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGJlbmNobWFyayBvZiBvcy0ybW8gb24gcHJlbWlzZXMh bench";

/** The key that a stranger adds by hand in the case `drift`. */
export const strangersKey =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHNvbWVib2R5IGVsc2UgdGhhbiB0aGUgb3BlcmF0b3IhISEh stranger";

/** @param management Range that may use SSH. */
export function baseline(variant: Variant, management: string): Baseline {
  const revision = variant === "changed" ? 2 : 1;
  return {
    packages: ["jq", "rsync", "tree"],
    unit: {
      name: "bench-beat.service",
      text: lines([
        "[Unit]",
        `Description=Beat of the benchmark, revision ${revision}`,
        "[Service]",
        "ExecStart=/usr/bin/sleep infinity",
        "Restart=always",
        "[Install]",
        "WantedBy=multi-user.target",
      ]),
    },
    user: { name: "bench", shell: "/bin/bash", key },
    sysctl: {
      file: `/etc/sysctl.d/60-${sysctlName}.conf`,
      values: { "net.ipv4.conf.all.log_martians": "1", "net.ipv4.conf.default.log_martians": "1" },
    },
    firewall: {
      path: "/etc/nftables.conf",
      text: lines([
        "#!/usr/sbin/nft -f",
        "flush ruleset",
        "table inet filter {",
        "  chain input {",
        "    type filter hook input priority 0; policy drop;",
        "    ct state established,related accept",
        '    iif "lo" accept',
        "    meta l4proto { icmp, icmpv6 } accept",
        `    ip saddr ${management} tcp dport 22 accept`,
        "  }",
        "}",
      ]),
    },
    sshd: {
      path: "/etc/ssh/sshd_config.d/50-bench.conf",
      text: lines(["MaxAuthTries 4", "X11Forwarding no", "ClientAliveInterval 60"]),
    },
  };
}

function lines(text: readonly string[]): string {
  return `${text.join("\n")}\n`;
}
