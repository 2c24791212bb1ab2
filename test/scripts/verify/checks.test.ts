import { describe, expect, test } from "vitest";
import { checksOf } from "../../../scripts/verify/checks.ts";

const firewall = {
  management: ["10.20.0.0/24"],
  internal: ["10.30.0.0/16"],
  saltMaster: ["10.7.0.4/32"],
  egress: {
    dns: { protocol: "udp" as const, ports: [53], to: ["10.0.0.53/32", "fd00::53/128"] },
    packages: { protocol: "tcp" as const, ports: [443], to: ["10.80.0.0/24"] },
    vpn: { protocol: "udp" as const, ports: [51820], to: ["10.66.0.20/32"] },
  },
};
const settings = { firewall, server: { host: "10.1.0.13" } };

describe("NET-1, NET-2, Q-SRV-3, Q-SRV-8: what there is to try", () => {
  test("from a machine that may use SSH: 22 must get through, 80 and 443 must not", () => {
    const { checks } = checksOf(settings, "10.20.0.5");
    const here = checks.filter(({ from }) => from === "here");
    expect(here.map(({ name, attempt, allowed }) => [name, attempt.port, allowed])).toEqual([
      ["ssh", 22, true],
      ["web", 80, false],
      ["web", 443, false],
    ]);
    expect(here[1]?.why).toBe("this machine (10.20.0.5) is not of 10.30.0.0/16");
  });

  test("from the server: every single address, by TCP, and by UDP where there is a question", () => {
    const { checks, untried } = checksOf(settings, undefined);
    const there = checks.filter(({ from }) => from === "server");
    expect(there.map(({ name, attempt: { address, port } }) => `${name} ${address} ${port}`)).toEqual([
      "dns 10.0.0.53 53",
      "dns fd00::53 53",
      "salt 10.7.0.4 4505",
      "salt 10.7.0.4 4506",
    ]);
    expect(there.every(({ allowed }) => allowed)).toBe(true);
    expect(untried.map(({ name, what }) => `${name} ${what}`)).toEqual([
      "packages 10.80.0.0/24 443/tcp",
      "vpn 10.66.0.20 51820/udp",
    ]);
  });

  test("from a machine without a route nothing is allowed", () => {
    const here = checksOf(settings, undefined).checks.filter(({ from }) => from === "here");
    expect(here.map(({ allowed }) => allowed)).toEqual([false, false, false]);
  });
});
