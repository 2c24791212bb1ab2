import { readSettings, type Settings } from "../../../infra/settings.ts";

const key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDdqT5hBnDX7qx1GZXAXDZ9BmNF4Yl4IN8ZGdXS4hLdB";

const given = {
  customer: { name: "Sønderby Kommune", domain: "sonderby.dk" },
  server: { host: "10.1.0.13", hostKey: key },
  firewall: {
    management: ["10.20.0.0/24"],
    internal: ["10.0.0.0/8", "fd00::/8"],
    saltMaster: ["198.18.0.7"],
    egress: {
      time: { protocol: "udp", ports: [123], to: ["10.0.0.123"] },
      dns: { protocol: "udp", ports: [53], to: ["10.0.0.53", "fd00::53"] },
      mail: { ports: [25], to: ["10.0.0.25"] },
    },
  },
  administrator: { keys: [key] },
  time: { servers: ["10.0.0.123"] },
};

/** Settings as they are read from a stack whose top-level keys have more fields than the least, or others. */
export function read(more: { [Key in keyof typeof given]?: object } & { vpn?: object } = {}): Settings {
  const config = Object.entries<object>({ ...given, vpn: {} }).map(([name, value]) => {
    const fields = { ...value, ...more[name as keyof typeof more] };
    return [`os2mo-on-prem:${name}`, JSON.stringify(fields)];
  });
  return readSettings("prod", Object.fromEntries(config));
}

/** The same with parts that are put in whole, past the reading. */
export function sample(more: Partial<Settings> = {}): Settings {
  return { ...read(), ...more };
}
