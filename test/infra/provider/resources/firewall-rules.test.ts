import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  keepOpenScript,
  type Policy,
  rulesOf,
  trackingOf,
} from "../../../../infra/provider/resources/firewall-rules.ts";
import { fixture } from "../checked.ts";

const sets = `	set open4 {
		type ipv4_addr . inet_service . ipv4_addr . inet_service
		flags timeout
	}
	set open6 {
		type ipv6_addr . inet_service . ipv6_addr . inet_service
		flags timeout
	}
`;

const declared = `table inet onprem {
${sets}	chain tracking {
	}
	chain inbound {
	}
	chain outbound {
	}
	chain containers {
	}
	chain arriving {
		type filter hook prerouting priority -110; policy drop;
	}
	chain forwarded {
		type filter hook forward priority 0; policy drop;
	}
	chain leaving {
		type filter hook output priority 0; policy drop;
	}
}
flush table inet onprem
`;

const policy: Policy = {
  inbound: {
    web: { protocol: "tcp", ports: [80, 443], from: ["10.0.0.0/8", "fd00::/8"] },
    ssh: { protocol: "tcp", ports: [22], from: ["0.0.0.0/0"] },
  },
  outbound: { salt: { protocol: "tcp", ports: [4505, 4506], to: ["2001:db8::7/128"] } },
  ping: ["10.0.0.0/8", "::/0"],
  trustedBridges: ["br-*", "docker0"],
  logDropped: false,
};

const filled = `table inet onprem {
${sets}	chain tracking {
		ct state new
	}
	chain inbound {
		meta nfproto ipv4 tcp dport 22 accept comment "ssh"
		ip saddr 10.0.0.0/8 tcp dport { 80, 443 } accept comment "web"
		ip6 saddr fd00::/8 tcp dport { 80, 443 } accept comment "web"
		ip saddr 10.0.0.0/8 icmp type echo-request accept comment "(ping)"
		icmpv6 type echo-request accept comment "(ping)"
	}
	chain outbound {
		ip6 daddr 2001:db8::7/128 tcp dport { 4505, 4506 } accept comment "salt"
		ip daddr 10.0.0.0/8 icmp type echo-request accept comment "(ping)"
		icmpv6 type echo-request accept comment "(ping)"
	}
	chain containers {
		oifname "br-*" accept
		oifname "docker0" accept
		jump outbound
		reject with icmpx type admin-prohibited
	}
	chain arriving {
		ct state established,related accept
		ip saddr . tcp sport . ip daddr . tcp dport @open4 tcp flags ack accept
		ip6 saddr . tcp sport . ip6 daddr . tcp dport @open6 tcp flags ack accept
		ct state invalid drop
		iifname "lo" accept
		icmpv6 type { mld-listener-query, nd-router-advert, nd-neighbor-solicit, nd-neighbor-advert } accept
		fib daddr type local jump inbound
		fib daddr type != local iifname "br-*" accept
		fib daddr type != local iifname "docker0" accept
	}
	chain forwarded {
		ct state established,related accept
		ct state invalid drop
		iifname "br-*" jump containers
		iifname "docker0" jump containers
		ct status dnat accept
	}
	chain leaving {
		ct state established,related accept
		oifname "lo" accept
		oifname "br-*" accept
		oifname "docker0" accept
		ip daddr . tcp dport . ip saddr . tcp sport @open4 tcp flags ack accept
		ip6 daddr . tcp dport . ip6 saddr . tcp sport @open6 tcp flags ack accept
		ct state invalid drop
		icmpv6 type { mld-listener-report, mld-listener-done, nd-router-solicit, nd-neighbor-solicit, nd-neighbor-advert, mld2-listener-report } accept
		jump outbound
		reject with icmpx type admin-prohibited
	}
}
`;

describe("rulesOf", () => {
  it("declares the chains, empties them and fills them again, all in one transaction", () => {
    expect(rulesOf("onprem", policy)).toBe(declared + filled);
  });

  it("deletes what is foreign in the same transaction", () => {
    expect(rulesOf("onprem", policy, ["chain extra", "ct helper ftp", "set more"])).toBe(
      `table inet onprem {
}
flush table inet onprem
delete ct helper inet onprem ftp
delete set inet onprem more
delete chain inet onprem extra
${declared}${filled}`,
    );
  });

  it("logs what it drops when asked to, and nothing else changes", () => {
    const logged = rulesOf("onprem", { ...policy, logDropped: true }).split("\n");
    const log = (what: string) =>
      `\t\tlimit rate 5/second burst 10 packets log prefix "firewall: ${what}: " level info`;
    expect(logged.filter((line) => line.includes("log "))).toEqual([
      log("container to outside"),
      log("from outside"),
      log("to outside"),
    ]);
    expect(logged.filter((line) => !line.includes("log ")).join("\n")).toBe(declared + filled);
  });

  it("is the same whatever the order of the entries", () => {
    const { web, ssh } = policy.inbound;
    expect(rulesOf("onprem", { ...policy, inbound: { ssh, web } as Policy["inbound"] })).toBe(declared + filled);
  });

  it("Q-SRV-8: lets nothing in and nothing out by itself", () => {
    const nothing = { inbound: {}, outbound: {}, ping: [], trustedBridges: [], logDropped: false };
    expect(rulesOf("onprem", nothing)).toContain("	chain inbound {\n	}\n	chain outbound {\n	}\n");
  });
});

describe("trackingOf", () => {
  it("makes the kernel follow connections without a chain that the kernel calls", () => {
    expect(trackingOf("onprem")).toBe(`table inet onprem {
${sets}	chain tracking {
	}
}
flush chain inet onprem tracking
table inet onprem {
	chain tracking {
		ct state new
	}
}
`);
  });
});

describe("keepOpenScript", () => {
  /** What nft would be told, where `ss` prints the given text. */
  function told(connections: string): string {
    const folder = mkdtempSync(join(tmpdir(), "onprem-firewall-"));
    try {
      writeFileSync(join(folder, "connections"), connections);
      writeFileSync(join(folder, "ss"), `#!/bin/sh\nexec cat ${join(folder, "connections")}\n`, { mode: 0o755 });
      writeFileSync(join(folder, "nft"), "#!/bin/sh\nexec cat\n", { mode: 0o755 });
      const env = { PATH: `${folder}:${process.env.PATH}`, LC_ALL: "C" };
      return execFileSync("sh", ["-euc", keepOpenScript, "sh", "onprem"], { env, encoding: "utf8" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  it("names the far end, then ours, of every connection to another host; IPv4 inside IPv6 is IPv4", () => {
    const element = (family: 4 | 6, words: string) => `add element inet onprem open${family} { ${words} timeout 5d }\n`;
    expect(told(fixture("ss-debian-12/connections.txt"))).toBe(
      element(4, "10.20.0.1 . 35504 . 10.20.0.2 . 2222") +
        element(4, "10.20.0.1 . 40254 . 10.20.0.2 . 22") +
        element(6, "fd00:20::1 . 39102 . fd00:20::2 . 443") +
        element(6, "fe80::1 . 39964 . fe80::2 . 443") +
        element(4, "10.20.0.1 . 55104 . 10.20.0.2 . 443"),
    );
  });

  it("does nothing where nothing is open", () => {
    expect(told("")).toBe("");
  });
});
