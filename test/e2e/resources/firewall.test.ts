import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { firewall } from "../../../infra/provider/resources/firewall.ts";
import { lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
const { v4, v6 } = lab.segments.management;
const want = {
  inbound: {
    ssh: { protocol: "tcp" as const, ports: [22], from: [v6, v4] },
    "web på dansk": { protocol: "tcp" as const, ports: [443, 80], from: ["10.0.0.0/8", "fd00::/8"] },
  },
  outbound: { salt: { protocol: "tcp" as const, ports: [4506, 4505], to: [lab.services.master.addresses.v4] } },
  confirmSeconds: 10,
};
const agreed = {
  inbound: {
    ssh: { protocol: "tcp", ports: [22], from: [v4, v6] },
    "web på dansk": { protocol: "tcp", ports: [80, 443], from: ["10.0.0.0/8", "fd00::/8"] },
  },
  outbound: { salt: { protocol: "tcp", ports: [4505, 4506], to: [`${lab.services.master.addresses.v4}/32`] } },
};

const rulesFile = "/etc/onprem/firewall.nft";
const unitFile = "/etc/systemd/system/onprem-firewall.service";
const reread = "make systemd read its units again";
const writeRules = [`make the folder of ${rulesFile}`, `write ${rulesFile}`];
const writeUnit = [`write ${unitFile}`, reread];
const enable = "load the rules at boot by onprem-firewall.service";
const mask = "mask nftables.service";
const load = ["make the kernel follow connections", "let open connections live on", "load the rules"];

let host: SshHost;
let managed: { destroy(): Promise<unknown> };
beforeAll(async () => {
  host = await labHost(lab, "dev", "deploy");
});
afterEach(() => managed.destroy());
afterAll(() => host.close());

/** What of ours is on the host, and every table of the kernel. */
async function left(): Promise<string> {
  const script = `nft list tables; ls -d /etc/onprem /etc/systemd/system/*/onprem-firewall* ${unitFile} 2>/dev/null || true
    systemctl is-enabled nftables.service || true`;
  return (await host.look(["sh", "-euc", script])).stdout;
}

it("creates, agrees, updates and removes", async () => {
  const one = new Managed(firewall, host);
  managed = one;
  expect(await one.apply(want)).toEqual([...writeRules, ...writeUnit, enable, mask, ...load]);
  expect(one.seen).toMatchObject(agreed);
  expect(await one.apply(want)).toEqual([]);

  expect(await one.apply({ ...want, ping: [v4], logDropped: true, trustedBridges: ["lxc*"] })).toEqual([
    ...writeRules,
    ...load,
  ]);
  expect(one.seen).toMatchObject({ ping: [v4], logDropped: true, trustedBridges: ["lxc*"] });
  expect(await one.apply({ ...want, inbound: { ssh: want.inbound.ssh }, outbound: {} })).toEqual([
    ...writeRules,
    ...load,
  ]);
  expect(one.seen).toMatchObject({ inbound: { ssh: agreed.inbound.ssh }, outbound: {} });

  await byHand(host, "nft add table inet somebody");
  expect(await one.destroy()).toEqual([
    "disable onprem-firewall.service",
    `remove ${unitFile}`,
    reread,
    `remove ${rulesFile}`,
    "remove its folder",
    "delete the table onprem",
    "unmask nftables.service",
  ]);
  expect(await left()).toBe("table inet somebody\ndisabled\n");
  expect(await one.destroy()).toEqual([]);
  await byHand(host, "nft delete table inet somebody");
});

it("shows what somebody changed by name, and heals it", async () => {
  const one = new Managed(firewall, host);
  managed = one;
  await one.apply(want);
  const drifted: [string, object, readonly string[]][] = [
    [
      "nft add rule inet onprem inbound tcp dport 8080 accept",
      { inbound: { ...agreed.inbound, "(unknown) tcp dport 8080 accept": { chain: "inbound" } } },
      load,
    ],
    [
      "nft insert rule inet onprem leaving accept",
      { outbound: { ...agreed.outbound, "(unknown) accept": { chain: "leaving" } } },
      load,
    ],
    ["nft flush chain inet onprem outbound", { inbound: agreed.inbound, outbound: {} }, load],
    [
      `nft add rule inet onprem inbound ip saddr 0.0.0.0/0 tcp dport 22 accept comment '"ssh"'`,
      {
        inbound: { ...agreed.inbound, ssh: { ...agreed.inbound.ssh, from: ["0.0.0.0/0", v4, v6] } },
        outbound: agreed.outbound,
      },
      load,
    ],
    [
      "nft chain inet onprem arriving '{ policy accept; }'",
      {
        inbound: {
          ...agreed.inbound,
          "(unknown) type filter hook prerouting priority dstnat - 10; policy accept;": { chain: "arriving" },
          "(missing) type filter hook prerouting priority dstnat - 10; policy drop;": { chain: "arriving" },
        },
      },
      load,
    ],
    [
      "nft add chain inet onprem extra '{ type filter hook input priority 5; }'; nft add set inet onprem more '{ type ipv4_addr; }'",
      {
        foreign: ["chain extra", "set more"],
        inbound: {
          ...agreed.inbound,
          "(unknown) chain extra": { chain: "extra" },
          "(unknown) set more": { chain: "more" },
          "(unknown) type filter hook input priority filter + 5; policy accept;": { chain: "extra" },
        },
      },
      load,
    ],
    [
      "nft add table inet onprem '{ flags dormant; }'",
      { inbound: { ...agreed.inbound, "(unknown) flags dormant": { chain: "(table)" } } },
      load,
    ],
    ["nft delete table inet onprem", { loaded: false, inbound: {}, outbound: {} }, load],
    ["nft flush ruleset", { loaded: false, inbound: {}, outbound: {} }, load],
    [`rm ${rulesFile}`, { ...agreed, rules: "" }, writeRules],
    [`echo '# mine' >> ${unitFile}`, agreed, writeUnit],
    ["systemctl disable onprem-firewall.service", { ...agreed, atBoot: false }, [enable]],
    ["systemctl unmask nftables.service", { ...agreed, nftablesService: "disabled" }, [mask]],
  ];
  for (const [change, seen, healed] of drifted) {
    await byHand(host, change);
    expect(await one.look(), change).toMatchObject(seen);
    expect(await one.apply(want), change).toEqual(healed);
    expect(await one.look(), change).toEqual(one.seen);
    expect(one.seen, change).toMatchObject({ ...agreed, foreign: [], loaded: true });
    expect(await one.apply(want), change).toEqual([]);
  }
});

it("refuses a host whose nftables.service is enabled, takes it over when told so, and gives it back", async () => {
  await byHand(host, "systemctl enable nftables.service");
  try {
    const one = new Managed(firewall, host);
    managed = one;
    await expect(one.apply(want)).rejects.toThrow("nothing was changed on dev.lab.test\n  nftables.service is enabled");
    expect(await one.apply({ ...want, adopt: true })).toContain(mask);
    await one.destroy();
    expect(await left()).toBe("enabled\n");
  } finally {
    await byHand(host, "systemctl disable nftables.service");
  }
});

it("refuses a table that somebody else made", async () => {
  await byHand(host, "nft add table inet onprem_other");
  const one = new Managed(firewall, host);
  managed = one;
  await expect(one.apply({ ...want, table: "onprem_other" })).rejects.toThrow(
    "a table inet onprem_other is there already, was not made by this program, and differs",
  );
  expect(await one.apply({ ...want, table: "onprem_other", adopt: true })).toEqual([
    "make the folder of /etc/onprem/firewall-onprem_other.nft",
    "write /etc/onprem/firewall-onprem_other.nft",
    "write /etc/systemd/system/onprem-firewall-onprem_other.service",
    reread,
    "load the rules at boot by onprem-firewall-onprem_other.service",
    mask,
    ...load,
  ]);
});
