import { networkInterfaces } from "node:os";
import { expect, test } from "vitest";
import { vpnHint } from "../../../../infra/provider/host/vpn-hint.ts";

// ACC-1: what a run says when nothing answers. Asks the kernel for a route and sends nothing.

test("a machine whose packets leave from an address of the VPN has dialled in: then it is not the VPN", async () => {
  expect(await vpnHint({ name: "OpenVPN (vpn.kommune.dk)", ranges: ["127.0.0.0/8"] }, "127.0.0.2")).toBe(
    "The VPN is up: OpenVPN (vpn.kommune.dk) has given this machine 127.0.0.1. So it is the server, or a firewall behind the VPN, that does not answer.",
  );
  const hint = await vpnHint({ name: "OpenVPN", ranges: ["10.8.0.0/24", "::1/128"] }, "::1");
  expect(hint).toContain("The VPN is up");
});

test("from any other address it has not, and the address is named", async () => {
  const hint = await vpnHint({ name: "OpenVPN (vpn.kommune.dk)", ranges: ["10.8.0.0/24"] }, "127.0.0.2");
  expect(hint).toBe(
    "The VPN looks down: OpenVPN (vpn.kommune.dk); packets to 127.0.0.2 leave this machine from 127.0.0.1, which is not of the VPN's 10.8.0.0/24. Dial in, then run it again.",
  );
});

test("nor without any route", async () => {
  const v6 = Object.values(networkInterfaces()).flatMap((all) => all ?? []);
  // A network that nobody routes; where this machine has a default route for IPv6, it has one for this too.
  const routed = v6.some(({ family, internal, scopeid }) => family === "IPv6" && !internal && scopeid === 0);
  const hint = await vpnHint({ name: "OpenVPN", ranges: ["10.8.0.0/24"] }, "2001:2:0:ffff::1");
  expect(hint).toContain(routed ? "The VPN looks down" : "this machine has no route to 2001:2:0:ffff::1");
});
