import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { firewallRules } from "../../../infra/components/firewall.ts";
import { languages } from "../../../infra/documents/document.ts";
import { firewallRequest, firewallSheet, requestsOf } from "../../../infra/documents/firewall-request.ts";
import { firewallTexts } from "../../../infra/documents/firewall-texts.ts";
import { read, sample } from "./sample.ts";

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

/** A tunnel to the vendor's hub, in whose ranges nobody of the customer's network is. */
const wireguard = {
  addresses: ["10.99.0.2/32"],
  hub: {
    endpoint: "198.18.0.20:51820",
    publicKey: "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=",
    ranges: ["10.99.0.0/24", "fd00:99::/64"],
  },
};

test("ACC-1, ACC-4: the tunnel is one more opening outwards, with its own reason; a name alone makes none", () => {
  const { firewall } = sample();
  const tunnel = { protocol: "udp" as const, ports: [51820], to: ["198.18.0.20/32"] };
  expect(requestsOf(read({ vpn: { wireguard } })).at(-1)).toMatchObject({
    name: "vpn",
    direction: "outbound",
    protocol: "udp",
    ports: [51820],
    others: ["198.18.0.20/32"],
    purpose: "vpn",
    requirements: ["ACC-1", "ACC-4"],
  });
  expect(requestsOf(sample({ firewall: { ...firewall, egress: { vpn: tunnel } } })).at(-1)).toMatchObject({
    purpose: "other",
    requirements: ["Q-SRV-3"],
  });
});

describe("ACC-1, ACC-4, NET-1: who is asked to be let in to SSH", () => {
  const customer = { product: "OpenVPN", endpoint: "vpn.sonderby.dk", ranges: ["10.8.0.0/24"] };
  test.each([
    ["the management ranges", [], {}, ["10.20.0.0/24"]],
    ["the customer's VPN too, for its ranges are real", [], { customer }, ["10.20.0.0/24", "10.8.0.0/24"]],
    ["nobody inside the server's own tunnel", [], { wireguard }, ["10.20.0.0/24"]],
    ["nor where the settings name a part of it", ["10.99.0.1", "fd00:99::/96"], { wireguard }, ["10.20.0.0/24"]],
    ["but what is wider", ["10.98.0.0/15"], { wireguard }, ["10.20.0.0/24", "10.98.0.0/15"]],
  ])("%s", (_, more, vpn, expected) => {
    const settings = read({ firewall: { management: ["10.20.0.0/24", ...more] }, vpn });
    const ssh = requestsOf(settings).find(({ name }) => name === "ssh");
    expect(ssh?.others).toEqual(expected);
  });

  test("with the tunnel alone no row asks for SSH, in print and in the sheet; the server's own firewall lets it in", () => {
    const settings = read({ firewall: { management: [] }, vpn: { wireguard } });
    expect(settings.firewall.management).toEqual(wireguard.hub.ranges);
    const inwards = requestsOf(settings).filter(({ direction }) => direction === "inbound");
    expect(inwards.map(({ name }) => name)).toEqual(["web"]);
    const printed = firewallRequest([settings], "en").sections.flatMap(({ table }) => table?.rows ?? []);
    for (const row of [...printed, ...firewallSheet([settings], "en").rows]) {
      expect(row.join(" ")).not.toMatch(/10\.99\.|fd00:99|SSH/);
    }
  });
});

describe("the server's address is that in the customer's network, or a line to fill in", () => {
  const own = (server: object, vpn: object = {}) => {
    const settings = read({ server, vpn });
    const [section] = firewallRequest([settings], "en").sections;
    const destinations = firewallSheet([settings], "en").rows.map(([, , way, from, to]) =>
      way === "Inbound" ? to : from,
    );
    return [section?.paragraphs, section?.answers, [...new Set(destinations)]];
  };
  const known = (address: string) => [[`The server's address: ${address}`], undefined, [address]];
  const unknown = [
    undefined,
    [{ question: "The server's address in your network (to be told by you):" }],
    ["the server (address to be told by you)"],
  ];

  test.each([
    ["server.host", {}, {}, known("10.1.0.13")],
    ["server.address before it", { address: "10.1.0.14" }, {}, known("10.1.0.14")],
    ["no name", { host: "mo.sonderby.dk" }, {}, unknown],
    ["no end of a local tunnel", { host: "127.0.0.1" }, {}, unknown],
    ["no forwarded port", { port: 2222 }, {}, unknown],
    ["no address in the server's own tunnel", { host: "10.99.0.2" }, { wireguard }, unknown],
    ["server.address for such a one", { host: "10.99.0.2", address: "10.1.0.13" }, { wireguard }, known("10.1.0.13")],
    ["server.host where only management is in the tunnel", {}, { wireguard }, known("10.1.0.13")],
  ])("%s", (_, server, vpn, expected) => {
    expect(own(server, vpn)).toEqual(expected);
  });
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

  test("each row says who opens, from where, to where and why, in words", () => {
    expect(document.sections[0]?.table?.rows[0]).toEqual([
      texts.inbound,
      "10.20.0.0/24",
      texts.theServer,
      "TCP",
      "22",
      texts.who.customer,
      texts.purposes.ssh,
      "NET-1, Q-SRV-5",
    ]);
    expect(document.sections[0]?.table?.rows[3]).toEqual([
      texts.outbound,
      texts.theServer,
      "10.0.0.53, fd00::53",
      "UDP",
      "53",
      texts.who.customer,
      `${texts.purposes.dns}${texts.named("dns")}`,
      "Q-SRV-3",
    ]);
  });

  test("NET-3: the vendor opens its own side of the connection to the master, and nothing else", () => {
    const printed = document.sections[0]?.table;
    const who = printed?.head.indexOf(texts.columns.who) ?? -1;
    expect(printed?.rows.map((row) => row[who] === texts.who.both)).toEqual([false, false, true, false, false, false]);
    const { head, rows } = firewallSheet([sample()], language);
    const both = rows.filter((row) => row[head.indexOf(texts.columns.who)] === texts.who.both);
    expect(both.map((row) => row[head.indexOf(texts.sheet.name)])).toEqual(["salt", "salt"]);
  });
});
