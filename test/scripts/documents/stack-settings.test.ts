import { describe, expect, test } from "vitest";
import { SettingsMistaken } from "../../../infra/settings/mistakes.ts";
import { stackNames, stackSettings } from "../../../scripts/documents/stack-settings.ts";
import { ed25519Pair } from "../../ed25519.ts";

const file = "Pulumi.prod.yaml";
const key = ed25519Pair().public.trim();
const text = (more = "") => `secretsprovider: passphrase
encryptionsalt: v1:abc
config:
  os2mo-on-prem:customer: { name: Sønderby Kommune, domain: sonderby.dk }
  os2mo-on-prem:server:
    host: 10.1.0.13
    hostKey: ${key}
    privateKey: { secure: "v1:xyz" }
  os2mo-on-prem:firewall:
    management: [10.20.0.0/24]
    internal: [10.0.0.0/8]
    saltMaster: [10.9.9.9]
    egress:
      time: { protocol: udp, ports: [123], to: [10.0.0.123] }
  os2mo-on-prem:administrator: { keys: ["${key}"] }
  os2mo-on-prem:time: { servers: [10.0.0.123] }
${more}`;

test("reads a stack's file as a preview would, with secrets that stay encrypted", () => {
  expect(stackSettings("prod", text(), file)).toMatchObject({
    environment: "production",
    customer: { name: "Sønderby Kommune" },
    server: { host: "10.1.0.13", hostname: "os2mo.sonderby.dk", privateKey: "[secret]" },
  });
});

test("tells every mistake in the words of a preview", () => {
  const mistaken = text("  os2mo-on-prem:fierwall: {}\n").replace("[10.20.0.0/24]", "[nonsense]");
  expect(() => stackSettings("prod", mistaken, file)).toThrow(SettingsMistaken);
  expect(() => stackSettings("prod", mistaken, file)).toThrow(
    /2 mistakes; nothing was touched[\s\S]*firewall\.management\[0\][\s\S]*fierwall/,
  );
});

describe("refuses what is no file of a stack", () => {
  test.each([
    ["a: [", "Pulumi.prod.yaml is no YAML"],
    ["just words", "Pulumi.prod.yaml is no file of a stack"],
    ["config: 7", "Pulumi.prod.yaml is no file of a stack"],
  ])("%j", (wrong, message) => {
    expect(() => stackSettings("prod", wrong, file)).toThrow(message);
  });
});

test("secrets of every kind stay encrypted, and are judged by nobody who cannot read them", () => {
  const secure = '{ secure: "v1:xyz" }';
  const zone = (more: string) => `  os2mo-on-prem:dns: { zone: { zone: os2mo-on-prem.magentahosted.dk, ${more} } }\n`;
  const texts = [
    zone(`kind: rfc2136, server: 10.0.0.53, key: { name: k, algorithm: hmac-sha256, secret: ${secure} }`),
    zone(`kind: cloudflare, token: ${secure}`),
    `  os2mo-on-prem:vpn: { wireguard: { addresses: [10.99.0.2/32], presharedKey: ${secure}, hub: { endpoint: "10.0.0.20:51820", publicKey: HIgo9xNzJMWLKASShiTqIybxZ0U3wGLiUeJ1PKf8ykw=, ranges: [10.99.0.0/24] } } }\n`,
    `${zone(`kind: cloudflare, token: ${secure}`)}  os2mo-on-prem:https: { acme: { termsAgreed: true, externalAccount: { kid: k, hmacKey: ${secure} } } }\n`,
  ];
  for (const more of texts) {
    expect(stackSettings("prod", text(more), file).server.hostname).toBe("os2mo.sonderby.dk");
    expect(stackNames("prod", text(more), file).dns.suffix).toBe("os2mo-on-prem.magentahosted.dk");
  }
  // What is not encrypted is still told, and what is wrong beside a secret, too.
  const plain = zone("kind: cloudflare, token: t0k3n");
  expect(() => stackSettings("prod", text(plain), file)).toThrow("dns.zone.token must be a secret");
  const wrong = zone(`kind: rfc2136, server: "no server", key: { name: k, algorithm: hmac-sha256, secret: ${secure} }`);
  expect(() => stackSettings("prod", text(wrong), file)).toThrow("dns.zone.server");
});
