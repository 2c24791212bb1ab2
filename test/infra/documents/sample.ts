import type { RequestSettings } from "../../../infra/documents/firewall-request.ts";

/** Settings of a stack as the request needs them. */
export function sample(more: Partial<RequestSettings> = {}): RequestSettings {
  return {
    customer: { name: "Sønderby Kommune", domain: "sonderby.dk" },
    environment: "production",
    server: { hostname: "os2mo.sonderby.dk", host: "10.1.0.13" },
    firewall: {
      management: ["10.20.0.0/24"],
      internal: ["10.0.0.0/8", "fd00::/8"],
      saltMaster: ["198.18.0.7/32"],
      egress: {
        time: { protocol: "udp", ports: [123], to: ["10.0.0.123/32"] },
        dns: { protocol: "udp", ports: [53], to: ["10.0.0.53/32", "fd00::53/128"] },
        mail: { protocol: "tcp", ports: [25], to: ["10.0.0.25/32"] },
      },
    },
    vpn: {},
    ...more,
  };
}
