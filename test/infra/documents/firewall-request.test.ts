import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firewallRules } from "../../../infra/components/firewall.ts";
import { languages } from "../../../infra/documents/document.ts";
import { firewallRequest, firewallSheet, requestsOf } from "../../../infra/documents/firewall-request.ts";
import { firewallTexts } from "../../../infra/documents/firewall-texts.ts";
import { sample } from "./sample.ts";

test("NET-1, NET-2, NET-4, Q-SRV-3: inwards first, then the vendor, then by name, each with what it is for", () => {
  expect(requestsOf(sample()).map(({ name, direction, ports, purpose }) => [name, direction, ports, purpose])).toEqual([
    ["ssh", "inbound", [22], "ssh"],
    ["web", "inbound", [80, 443], "web"],
    ["salt", "outbound", [4505, 4506], "salt"],
    ["dns", "outbound", [53], "dns"],
    ["mail", "outbound", [25], "other"],
    ["time", "outbound", [123], "time"],
  ]);
});

test("ACC-1, ACC-4: the tunnel is one more opening outwards, with its own reason; a name alone makes none", () => {
  const tunnel = { protocol: "udp" as const, ports: [51820], to: ["198.18.0.20/32"] };
  const { firewall } = sample();
  const hub = { endpoint: "198.18.0.20:51820", publicKey: "", ranges: ["10.99.0.0/24"], interface: "wg0" };
  const wireguard = { addresses: ["10.99.0.2/32"], hub, keepalive: 25, mtu: 0, keyVersion: 1 };
  const settings = sample({ firewall: { ...firewall, egress: { vpn: tunnel } } });
  const asked = (more: object) => requestsOf({ ...settings, ...more }).at(-1);
  expect(asked({ vpn: { wireguard } })).toMatchObject({ purpose: "vpn", requirements: ["ACC-1", "ACC-4"] });
  expect(asked({})).toMatchObject({ purpose: "other", requirements: ["Q-SRV-3"] });
});

const ports = fc.uniqueArray(fc.integer({ min: 1, max: 65535 }), { minLength: 1, maxLength: 4 });
const ranges = fc.uniqueArray(
  fc.tuple(fc.integer({ min: 0, max: 255 }), fc.integer({ min: 0, max: 255 })).map(([a, b]) => `10.${a}.${b}.0/24`),
  { minLength: 1, maxLength: 4 },
);
const egress = fc.dictionary(
  fc.stringMatching(/^[a-z][a-z0-9-]{0,10}$/).filter((name) => name !== "salt" && name !== "constructor"),
  fc.record({ protocol: fc.constantFrom("tcp" as const, "udp" as const), ports, to: ranges }),
  { maxKeys: 4 },
);

test("asks for exactly what the server's own firewall lets through, whatever the settings are", () => {
  fc.assert(
    fc.property(ranges, ranges, egress, (management, internal, more) => {
      const { firewall } = sample();
      const settings = sample({ firewall: { ...firewall, management, internal, egress: { ...more } } });
      const { saltMaster } = firewall;
      const rules = firewallRules({ management, internal, saltMaster, additionalEgress: { ...more } });
      const inwards = Object.values(rules.inbound).flatMap((rule) => flat("in", rule.protocol, rule.ports, rule.from));
      const outwards = Object.values(rules.outbound).flatMap((rule) => flat("out", rule.protocol, rule.ports, rule.to));
      const asked = firewallSheet([settings], "en").rows.map(([, , direction, from, to, protocol, port]) =>
        [direction === "Inbound" ? "in" : "out", protocol, port, whole(direction === "Inbound" ? from : to)].join(" "),
      );
      expect(asked.sort()).toEqual([...inwards, ...outwards].sort());
    }),
  );
});

function flat(
  direction: string,
  protocol = "tcp",
  all: readonly number[] = [],
  ranges: readonly string[] = [],
): string[] {
  return all.flatMap((port) => ranges.map((range) => [direction, protocol.toUpperCase(), port, range].join(" ")));
}

function whole(range = ""): string {
  return range.includes("/") ? range : `${range}/32`;
}

describe.each(languages)("in %s", (language) => {
  const document = firewallRequest([sample(), sample({ environment: "test" })], language);
  const texts = firewallTexts[language];

  test("NET-3, SEQ-3: has a table for each server, says that all else is closed, and asks for the external address", () => {
    expect(document.sections.map(({ table, answers }) => [table?.rows.length ?? 0, answers?.length ?? 0])).toEqual([
      [6, 0],
      [6, 0],
      [0, 0],
      [0, 3],
    ]);
    expect(document.sections[0]?.heading).toContain(texts.environments.production);
    expect(document.sections[3]?.answers?.[0]?.question).toContain("(NET-3)");
  });

  test("each row says from where, to where and why, in words", () => {
    expect(document.sections[0]?.table?.rows[0]).toEqual([
      texts.inbound,
      "10.20.0.0/24",
      texts.theServer,
      "TCP",
      "22",
      texts.purposes.ssh,
      "NET-1, Q-SRV-5",
    ]);
    expect(document.sections[0]?.table?.rows[3]).toEqual([
      texts.outbound,
      texts.theServer,
      "10.0.0.53, fd00::53",
      "UDP",
      "53",
      `${texts.purposes.dns}${texts.named("dns")}`,
      "Q-SRV-3",
    ]);
  });
});
