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
const settings = { firewall, server: { host: "10.1.0.13", port: 22 } };

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
    const { checks, untried } = checksOf(settings, "10.20.0.5");
    const there = checks.filter(({ from }) => from === "server");
    expect(there.map(({ name, attempt: { address, port } }) => `${name} ${address} ${port}`)).toEqual([
      "dns 10.0.0.53 53",
      "dns fd00::53 53",
      "salt 10.7.0.4 4505",
      "salt 10.7.0.4 4506",
    ]);
    expect(there.every(({ allowed }) => allowed)).toBe(true);
    expect(untried.every(({ from }) => from === "server")).toBe(true);
    expect(untried.map(({ name, what }) => `${name} ${what}`)).toEqual([
      "packages 10.80.0.0/24 443/tcp",
      "vpn 10.66.0.20 51820/udp",
    ]);
  });

  const jump = { host: "jump.kommune.dk", port: 22, user: "hop", hostKey: "" };
  test.each([
    ["through a jump host", { jump }, "10.20.0.5", "the way to the server is the jump host jump.kommune.dk"],
    [
      "by a tunnel that ends here",
      { host: "127.0.0.1" },
      "127.0.0.1",
      "127.0.0.1 is this machine's own end of a tunnel",
    ],
    ["by its name", { host: "localhost" }, "127.0.0.1", "localhost is this machine's own end of a tunnel"],
    [
      "at another port",
      { port: 2222 },
      "10.20.0.5",
      "SSH is reached at port 2222, so 10.1.0.13 may be a host in between",
    ],
    ["from a machine without a route", {}, undefined, "this machine has no route to 10.1.0.13"],
  ])("%s none of the server's own ports is tried from here, and each is named", (_, server, source, why) => {
    const { checks, untried } = checksOf({ firewall, server: { ...settings.server, ...server } }, source);
    expect(checks.filter(({ from }) => from === "here")).toEqual([]);
    const here = untried.filter(({ from }) => from === "here");
    expect(here.map(({ name, what }) => `${name} ${what}`)).toEqual(["ssh 22/tcp", "web 80/tcp", "web 443/tcp"]);
    for (const one of here) expect(one.why).toContain(why);
    // From the server outwards all is as ever.
    expect(checks).toHaveLength(4);
  });
});
