import { afterAll, beforeAll, expect, vi } from "vitest";
import { firewallRules } from "../../../infra/components/firewall.ts";
import { ChangeUndone } from "../../../infra/provider/host/errors.ts";
import { connect } from "../../../infra/provider/host/ssh-host.ts";
import { firewall } from "../../../infra/provider/resources/firewall.ts";
import { run } from "../../../infra/provider/step.ts";
import { run as call } from "../../../lab/command.ts";
import { failure, firstLine } from "../guarded.ts";
import { connectionTo } from "../on-lab.ts";
import { OwnLab } from "../own-lab.ts";
import { Managed } from "../resources/lifecycle.ts";
import { watchAccess } from "./access.ts";
import { fault } from "./fault.ts";
import { seconds, undoneByItself } from "./locked-out.ts";

// What stands between us and the server: a tunnel that we arrive by, and Docker, which has rules of its own.

vi.setConfig({ testTimeout: 300_000 });

/** The tunnel's network, inside the range for benchmarks (RFC 2544) and apart from every lab. */
const tunnel = { range: "198.19.255.0/24", hub: "198.19.255.1", server: "198.19.255.12" };

let lab: OwnLab;

beforeAll(async () => {
  lab = await OwnLab.up();
  const install = (packages: string) =>
    `export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends ${packages} >/dev/null 2>&1`;
  await Promise.all([
    lab.within("test", install("wireguard-go wireguard-tools docker.io iptables")),
    lab.within("vendor", install("wireguard-go wireguard-tools nftables")),
  ]);
});

afterAll(() => lab?.down());

fault(
  "lock-out/vpn-removed",
  {
    done: "The WireGuard tunnel that we arrive by taken down on the server (real tunnel, server to the vendor's hub)",
    holds: undoneByItself,
  },
  async (report) => {
    await raiseTunnel();
    const server = lab.machine("test");
    const through = { ...server, addresses: { ...server.addresses, v4: tunnel.server } };
    const host = await connect({ ...connectionTo(through), name: "test" }, { say: () => undefined });
    try {
      expect((await host.look(["sh", "-c", "ss -Htn state established sport = :22"])).stdout).toContain(tunnel.hub);
      await using access = watchAccess(through);
      const error = await failure(
        host.perform([run("take the tunnel down", ["systemctl", "stop", "wg-quick@wg0.service"])], {
          name: "vpn",
          files: ["/etc/wireguard/wg0.conf"],
          restore: [["systemctl", "restart", "wg-quick@wg0.service"]],
          seconds,
        }),
      );
      expect(error).toBeInstanceOf(ChangeUndone);
      report.accessBack(await access.outage());
      expect((await host.look(["wg", "show", "wg0", "latest-handshakes"])).stdout).toMatch(/\t[1-9]\d+\n/);
      report.seen(`${firstLine(error)}; the tunnel had a new handshake`);
    } finally {
      await host.close();
    }
  },
);

fault(
  "lock-out/docker-restarts",
  {
    done: "Docker restarts, and puts its chains back, in the window of a firewall that cuts us off, and in that of one that does not",
    holds: "The bad one is undone, the good one is kept, and Docker's own rules are whole each time",
  },
  async (report) => {
    const { segments, services } = lab.status;
    const both = ({ v4, v6 }: { v4: string; v6: string }) => [v4, v6];
    const want = (management: string[]) => ({
      ...firewallRules({
        management,
        internal: both(segments.internal),
        saltMaster: both(services.master.addresses),
        additionalEgress: {},
      }),
      confirmSeconds: 15,
    });
    const dockers = () =>
      lab.within(
        "test",
        "for tool in iptables-save ip6tables-save; do $tool | sed 's/\\[[0-9:]*\\]//; /^#/d' | sort; done",
      );
    const restarting = {
      ...firewall,
      plan: (...given: Parameters<typeof firewall.plan>) => {
        const steps = firewall.plan(...given);
        return steps.length === 0 ? [] : [...steps, run("restart Docker", ["systemctl", "restart", "docker"])];
      },
    };
    const host = await lab.host("test");
    const managed = new Managed(restarting, host);
    try {
      const before = await dockers();
      expect(before).toContain("DOCKER");
      await using access = watchAccess(lab.machine("test"));
      const error = await failure(managed.apply(want(["192.0.2.0/24"])));
      report.accessBack(await access.outage());
      expect(error.message).toContain("was undone: it cut us off");
      expect(await lab.within("test", "nft list tables | grep onprem || :")).toBe("");
      expect(await dockers()).toBe(before);
      await managed.apply(want(both(segments.management)));
      expect(await dockers()).toBe(before);
      expect(await managed.apply(want(both(segments.management)))).toEqual([]);
      report.seen(`${firstLine(error)}; the good one was kept; Docker's rules were the same before, between and after`);
    } finally {
      await managed.destroy();
      await host.close();
    }
  },
);

/**
 * The server dials out to the vendor's hub, so nothing has to be open for it; the hub forwards what is for the tunnel's network and
 * puts its own address in front. wg-quick takes wireguard-go, for this kernel has no module of its own.
 */
async function raiseTunnel(): Promise<void> {
  const key = (machine: string) =>
    lab.within(machine, "umask 077; wg genkey >/etc/wireguard/key; wg pubkey </etc/wireguard/key");
  const [serverKey, hubKey] = await Promise.all([key("test"), key("vendor")]);
  const hub = lab.machine("vendor").addresses.v4;
  const file = (text: string) => `umask 077; printf '%s' '${text}' >/etc/wireguard/wg0.conf`;
  const start = "systemctl enable --now wg-quick@wg0.service";
  const own = "PostUp = wg set %i private-key /etc/wireguard/key";
  await lab.within(
    "vendor",
    `${file(`[Interface]\nAddress = ${tunnel.hub}/24\nListenPort = 51820\n${own}\n[Peer]\nPublicKey = ${serverKey}\nAllowedIPs = ${tunnel.server}/32\n`)}
    sysctl -q -w net.ipv4.ip_forward=1
    nft 'table ip hub { chain out { type nat hook postrouting priority 100; oifname "wg0" masquerade; }; }'
    ${start}`,
  );
  await lab.within(
    "test",
    `${file(`[Interface]\nAddress = ${tunnel.server}/24\n${own}\n[Peer]\nPublicKey = ${hubKey}\nEndpoint = ${hub}:51820\nAllowedIPs = ${tunnel.range}\nPersistentKeepalive = 1\n`)}
    ${start}`,
  );
  const { name, ranges, router } = lab.status;
  await call(["nsenter", `--net=${router.netns}`, "ip", "route", "replace", tunnel.range, "via", hub]);
  // The way to the lab, for the tunnel's network too; it goes with the lab's interface.
  const gateway = ranges.v4.replace("0/24", "126");
  await call(["ip", "route", "replace", tunnel.range, "via", gateway, "dev", `op-${name}`]);
}
