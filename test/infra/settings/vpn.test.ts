import { expect, test } from "vitest";
import { addressOf, completeVpn, vpn, vpnName, vpnRanges, withVpn } from "../../../infra/settings/vpn.ts";

const firewall = { management: ["10.9.0.0/24"], internal: ["10.0.0.0/8"], saltMaster: ["10.7.0.4/32"], egress: {} };
const hubKey = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const tunnel = {
  addresses: ["10.99.0.2/32"],
  hub: { endpoint: "198.18.0.20:51820", publicKey: hubKey, ranges: ["10.99.0.0/24"] },
};

test("ACC-1, Q-SRV-10: without a VPN nothing changes", () => {
  const none = completeVpn(vpn.parse({}));
  expect([none, withVpn(firewall, none), vpnRanges(none)]).toEqual([{}, firewall, []]);
});

test("ACC-1, Q-SRV-5: who comes through the customer's VPN may use SSH", () => {
  const customer = { product: "OpenVPN", endpoint: "vpn.kommune.dk", ranges: ["10.20.0.0/24", "10.9.0.0/24"] };
  const settings = completeVpn(vpn.parse({ customer }));
  expect(withVpn(firewall, settings)).toEqual({ ...firewall, management: ["10.9.0.0/24", "10.20.0.0/24"] });
  expect(vpnName(settings)).toBe("OpenVPN (vpn.kommune.dk)");
});

test("ACC-4: the tunnel is let out to the hub alone, and nothing is opened inwards but SSH from behind it", () => {
  const settings = completeVpn(vpn.parse({ wireguard: tunnel }));
  expect(settings.wireguard).toMatchObject({ keepalive: 25, keyVersion: 1, mtu: 0, hub: { interface: "wg0" } });
  expect(withVpn(firewall, settings)).toEqual({
    ...firewall,
    management: ["10.9.0.0/24", "10.99.0.0/24"],
    egress: { vpn: { protocol: "udp", ports: [51820], to: ["198.18.0.20/32"] } },
  });
  expect(vpnName(settings)).toBe("WireGuard (the hub 198.18.0.20:51820)");
});

test("the hub's own login asks the caller's agent where no key is named", () => {
  const login = {
    host: "hub.vendor.dk",
    hostKey: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB",
  };
  const settings = completeVpn(vpn.parse({ wireguard: { ...tunnel, hub: { ...tunnel.hub, login } } }));
  expect(settings.wireguard?.hub.login).toEqual({ ...login, port: 22, user: "root", agent: "$SSH_AUTH_SOCK" });
});

test.each([
  ["198.18.0.20:51820", { address: "198.18.0.20", port: 51820 }],
  ["[fd00::20]:51820", { address: "fd00::20", port: 51820 }],
  ["vpn.vendor.dk:51820", undefined],
  ["198.18.0.20", undefined],
  ["198.18.0.20:70000", undefined],
  ["fd00::20:51820", undefined],
])("the endpoint %s", (text, expected) => {
  expect(addressOf(text)).toEqual(expected);
  expect(vpn.safeParse({ wireguard: { ...tunnel, hub: { ...tunnel.hub, endpoint: text } } }).success).toBe(
    expected !== undefined,
  );
});
