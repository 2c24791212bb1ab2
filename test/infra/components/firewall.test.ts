import { RunError } from "@pulumi/pulumi";
import { describe, expect, test } from "vitest";
import { Firewall, type FirewallArgs, firewallRules } from "../../../infra/components/firewall.ts";
import { firewall } from "../../../infra/provider/resources/firewall.ts";
import { checked } from "../provider/checked.ts";
import { resourcesOf } from "./mocks.ts";

const settings: FirewallArgs = {
  management: ["10.20.0.0/24", "fd00:20::/64"],
  internal: ["10.0.0.0/8", "fd00::/8"],
  saltMaster: ["198.51.100.7/32"],
};

describe("firewallRules", () => {
  test("NET-1, NET-2, Q-SRV-3, Q-SRV-4, Q-SRV-5, Q-SRV-6, Q-SRV-8: exactly the baseline, where nothing else is asked for", () => {
    expect(firewallRules(settings)).toEqual({
      inbound: {
        ssh: { protocol: "tcp", ports: [22], from: ["10.20.0.0/24", "fd00:20::/64"] },
        web: { protocol: "tcp", ports: [80, 443], from: ["10.0.0.0/8", "fd00::/8"] },
      },
      outbound: { salt: { protocol: "tcp", ports: [4505, 4506], to: ["198.51.100.7/32"] } },
    });
  });

  test("Q-SRV-3: more goes out by named entries only, and the baseline stays", () => {
    const additionalEgress: FirewallArgs["additionalEgress"] = {
      dns: { protocol: "udp", ports: [53], to: ["10.0.0.53/32"] },
      https: { protocol: "tcp", ports: [443], to: ["0.0.0.0/0"] },
    };
    expect(firewallRules({ ...settings, additionalEgress }).outbound).toEqual({
      dns: { protocol: "udp", ports: [53], to: ["10.0.0.53/32"] },
      https: { protocol: "tcp", ports: [443], to: ["0.0.0.0/0"] },
      salt: { protocol: "tcp", ports: [4505, 4506], to: ["198.51.100.7/32"] },
    });
  });

  test("the resource accepts what comes out", () => {
    expect(checked(firewall, firewallRules(settings))).toMatchObject(firewallRules(settings));
  });

  test.each<[string, Partial<FirewallArgs>, string[]]>([
    [
      "Q-SRV-5: SSH from anywhere",
      { management: ["0.0.0.0/0", "10.20.0.0/24", "::/0"] },
      [
        "management: 0.0.0.0/0 is as good as everybody; SSH is for the VPN or the vendor's network only (Q-SRV-5)",
        "management: ::/0 is as good as everybody; SSH is for the VPN or the vendor's network only (Q-SRV-5)",
      ],
    ],
    [
      "NET-4: OS2mo offered to anywhere",
      { internal: ["0.0.0.0/1", "128.0.0.0/1"] },
      [
        "internal: 0.0.0.0/1 is as good as everybody; OS2mo is offered inside the customer's network only (NET-4)",
        "internal: 128.0.0.0/1 is as good as everybody; OS2mo is offered inside the customer's network only (NET-4)",
      ],
    ],
    [
      "Q-SRV-6: 4505 and 4506 to anywhere",
      { saltMaster: ["::/0"] },
      [
        "saltMaster: ::/0 is as good as everybody; 4505 and 4506 are opened to the vendor's deployment host only (Q-SRV-6)",
      ],
    ],
    [
      "several at once",
      {
        management: [],
        saltMaster: [],
        additionalEgress: { salt: { protocol: "tcp", ports: [4505], to: ["10.0.0.1/32"] } },
      },
      [
        "management: must name at least one range",
        "saltMaster: must name at least one range",
        "additionalEgress.salt: this name is taken by the connection to the vendor, which stays (Q-SRV-3)",
      ],
    ],
  ])("refuses %s", (_, mistaken, problems) => {
    const make = () => firewallRules({ ...settings, ...mistaken });
    expect(make).toThrow(RunError);
    expect(make).toThrow(new RunError(`the firewall cannot be made of these settings\n  ${problems.join("\n  ")}`));
  });
});

test("a component has one child", async () => {
  const made = await resourcesOf(() => {
    new Firewall("server-firewall", settings);
  });
  expect(made.map(({ type, name }) => [type, name])).toEqual([
    ["os2mo:server:Firewall", "server-firewall"],
    ["onprem:linux:Firewall", "server-firewall"],
  ]);
  expect(made[1]?.inputs).toMatchObject(firewallRules(settings));
});
