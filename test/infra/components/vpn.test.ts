import { expect, test } from "vitest";
import { hubPeerText } from "../../../infra/components/vpn.ts";
import { completeVpn, vpn } from "../../../infra/settings/vpn.ts";

const key = "HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=";
const preshared = "FpCyhws9cxwWoV4xELtfJvjJN+zQVRPISllRWgeopVE=";

test("ACC-4: what the hub must be told stands ready, whole, and takes no other's peer away", () => {
  const hub = { endpoint: "10.66.0.20:51820", publicKey: key, ranges: ["10.99.0.0/24"] };
  const given = { addresses: ["10.99.0.2/24", "fd00:99::2/64"], hub, presharedKey: preshared };
  const tunnel = completeVpn(vpn.parse({ wireguard: given })).wireguard;
  if (tunnel === undefined) throw new Error("no tunnel");
  expect(hubPeerText({ tunnel, hostname: "os2mo.naerum.dk" }, "PUBLIC")).toBe(
    `# os2mo.naerum.dk: append this to /etc/wireguard/wg0.conf on the hub, then: systemctl reload wg-quick@wg0
[Peer]
PublicKey = PUBLIC
PresharedKey = ${preshared}
AllowedIPs = 10.99.0.2/32, fd00:99::2/128
`,
  );
});
