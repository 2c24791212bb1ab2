import type { z } from "zod";
import { challengeLabel } from "../provider/dns/expected.ts";
import { isWithin, longestName } from "../provider/dns/names.ts";
import type { schemas } from "../settings.ts";
import { knownIssuers } from "./dns.ts";
import { superfluousWays } from "./login.ts";
import type { Mistake } from "./mistakes.ts";
import { defaultServerName, fullHostName } from "./names.ts";
import { isTree, type Partly } from "./partly.ts";
import { encryptedNames, isSecretThroughout, redacted } from "./secrecy.ts";
import { customerAddress } from "./server-address.ts";
import { type VpnSettings, vpnEntry } from "./vpn.ts";

/** As much of the settings as could be read, by top-level key. */
export type PartlyRead = { [Key in keyof typeof schemas]?: Partly<z.output<(typeof schemas)[Key]>> };

/** The values of the top-level keys as they were given. */
export type Given = Readonly<Partial<Record<keyof typeof schemas, unknown>>>;

/**
 * What is wrong between settings that are right on their own. What could not be read is reported elsewhere; nothing is
 * said here of what would depend on it.
 *
 * @param marked Whether the engine knows of a secret below a top-level key.
 */
export function mistakesAcross(read: PartlyRead, given: Given, marked: (key: string) => boolean): Mistake[] {
  const shown = (key: keyof Given, value: string) =>
    isSecretThroughout(given[key], marked(key)) ? redacted : JSON.stringify(value);
  return [
    ...mistakesOfNames(read, given, marked),
    ...account(read, (value) => shown("administrator", value)),
    ...otherLogins(read, given.server, (value) => shown("server", value)),
    ...clock(read),
    ...vpn(read, given),
    ...certificates(read, given),
    ...salt(read, given, (value) => shown("management", value)),
  ];
}

/** Those of {@link mistakesAcross} that lie between what names need. */
export function mistakesOfNames(read: PartlyRead, given: Given, marked: (key: string) => boolean): Mistake[] {
  const shown = (value: string) =>
    isSecretThroughout(given.server, marked("server")) ? redacted : JSON.stringify(value);
  return [...logins(given, marked), ...hostName(read, shown), ...vendorZone(read), ...issuers(read, given)];
}

/** Looks at what was given, for a private key must be a secret whatever else is wrong with it. */
function logins(given: Given, marked: (key: string) => boolean): Mistake[] {
  const inside = (path: string) =>
    path.split(".").reduce<unknown>((inner, step) => (isTree(inner) ? inner[step] : undefined), given);
  const paths = [
    "server",
    "server.jump",
    "server.initial",
    "server.previous",
    "vpn.wireguard",
    "vpn.wireguard.hub.login",
    "management.salt.login",
    "dns.zone",
    "dns.zone.key",
    "https.acme.externalAccount",
  ];
  return paths.flatMap((path) => {
    const login = inside(path);
    if (!isTree(login)) return [];
    const [key = ""] = path.split(".");
    const plain = encryptedNames.filter((name) => login[name] !== undefined && !marked(key));
    const ways = superfluousWays(login, path === "server.initial" ? ["password"] : []);
    return [
      ...plain.map((name) => ({
        path: `${path}.${name}`,
        reason: `must be a secret: set it with \`pulumi config set --secret --path ${path}.${name}\``,
      })),
      ...(ways.length > 0 ? [{ path, reason: `has ${ways.join(" and ")}; give one of them` }] : []),
    ];
  });
}

function hostName(read: PartlyRead, shown: (value: string) => string): Mistake[] {
  return [...topOfZone(read, shown), ...records(read)];
}

/** Both of the customer's records fit into DNS with a suffix other than the usual one, and lead out of the customer's zone. */
function records({ customer, environment, server, dns }: PartlyRead): Mistake[] {
  const { domain } = customer ?? {};
  const derived =
    environment === undefined || domain === undefined ? undefined : defaultServerName(environment, domain);
  const name = server?.hostname ?? derived;
  const suffix = dns?.suffix;
  if (name === undefined || suffix === undefined) return [];
  const length = `${challengeLabel}${name}.${suffix}`.length;
  const reasons = [
    ...(length > longestName && fullHostName.safeParse(name).success
      ? [
          `makes the target of the challenge record ${length} characters long, and DNS has at most ${longestName} (DNS-10)`,
        ]
      : []),
    ...(isWithin(name, suffix) ? [`must be the vendor's zone; the server ${name} itself lies in it (DNS-6)`] : []),
  ];
  return reasons.map((reason) => ({ path: "dns.suffix", reason }));
}

function topOfZone({ customer, environment, server }: PartlyRead, shown: (value: string) => string): Mistake[] {
  const domain = customer?.domain;
  if (domain === undefined) return [];
  if (server?.hostname !== undefined) {
    const { hostname } = server;
    // What has two labels and is not below the customer's own domain is somebody's.
    const top = isWithin(hostname, domain) ? domain : hostname.split(".").slice(-2).join(".");
    const whose = top === domain ? "the customer's domain" : "a domain";
    const reason = `must not be the top of ${whose} (DNS-8); given: ${shown(hostname)}`;
    return hostname === top ? [{ path: "server.hostname", reason }] : [];
  }
  const name = environment === undefined ? undefined : fullHostName.safeParse(defaultServerName(environment, domain));
  const issue = name?.error?.issues[0];
  return issue === undefined ? [] : [{ path: "customer.domain", reason: `gives a host name that ${issue.message}` }];
}

function account({ administrator, server, management }: PartlyRead, shown: (value: string) => string): Mistake[] {
  if (administrator?.enabled === true && administrator.keys?.length === 0) {
    const reason = "needs at least one public SSH key, or the account could not be used (ACC-2)";
    return [{ path: "administrator.keys", reason }];
  }
  const name = administrator?.name;
  if (administrator?.enabled === false && name !== undefined && name === server?.user) {
    const reason = `must stay true while server.user is this account: ${shown(name)}; to disable it, first name another account with sudo as server.user`;
    return [{ path: "administrator.enabled", reason }];
  }
  if (administrator?.enabled === false && management !== undefined && management.salt === undefined) {
    const reason = "must stay true until central management is connected: management.salt is not set (ACC-2, Q-SRV-9)";
    return [{ path: "administrator.enabled", reason }];
  }
  return [];
}

/** Another way in leads to the administrator's own login, or nothing would ever take its place. */
function otherLogins(
  { administrator, server }: PartlyRead,
  given: unknown,
  shown: (value: string) => string,
): Mistake[] {
  const [name, user] = [administrator?.name, server?.user];
  const other = ["initial", "previous"].find((key) => isTree(given) && given[key] !== undefined);
  if (other === undefined || name === undefined || user === undefined || name === user) return [];
  const reason = `must be the administrator's name, ${JSON.stringify(name)}, where server.${other} is given (ACC-2); given: ${shown(user)}`;
  return [{ path: "server.user", reason }];
}

function clock({ firewall }: PartlyRead): Mistake[] {
  if (firewall?.egress === undefined) return [];
  // An entry that is mistaken itself may be the one that lets time out.
  const letsOut = Object.values(firewall.egress).some((entry) => {
    const { protocol = "udp", ports = [123] } = entry ?? {};
    return protocol === "udp" && ports.includes(123);
  });
  const reason = "must let udp 123 out to time.servers, or the clock is never right";
  return letsOut ? [] : [{ path: "firewall.egress", reason }];
}

/** One VPN or none; and somebody must be able to use SSH, through it or from elsewhere (Q-SRV-5). */
function vpn({ firewall }: PartlyRead, given: Given): Mistake[] {
  const { customer, wireguard } = isTree(given.vpn) ? given.vpn : {};
  const none = customer === undefined && wireguard === undefined;
  return [
    ...(customer !== undefined && wireguard !== undefined
      ? [{ path: "vpn", reason: "has customer and wireguard; give one of them" }]
      : []),
    ...(firewall?.management?.length === 0 && none
      ? [
          {
            path: "firewall.management",
            reason: "must name at least one range, or vpn must: nobody could use SSH (Q-SRV-5)",
          },
        ]
      : []),
    ...(wireguard !== undefined && firewall?.egress !== undefined && vpnEntry in firewall.egress
      ? [{ path: `firewall.egress.${vpnEntry}`, reason: "has a name that is taken by the tunnel of vpn.wireguard" }]
      : []),
  ];
}

/** The zone that is written to is the one that the customer's records lead to. */
function vendorZone({ dns }: PartlyRead): Mistake[] {
  const zone = dns?.zone?.zone;
  const suffix = dns?.suffix;
  if (zone === undefined || suffix === undefined || isWithin(suffix, zone)) return [];
  const reason = `must hold dns.suffix, to which the customer's records lead; given: ${JSON.stringify(zone)}`;
  return [{ path: "dns.zone.zone", reason }];
}

/** CAA records are read, and asked for, by a name that the authority's directory does not tell before it is asked (RFC 8659). */
function issuers({ dns, https }: PartlyRead, given: Given): Mistake[] {
  const { directory, account } = https?.acme ?? {};
  if (directory === undefined) return [];
  const { issuers: written } = isTree(given.dns) ? given.dns : {};
  const known = knownIssuers(directory);
  const host = URL.parse(directory)?.host;
  if (known === undefined) {
    const reason = `is required where https.acme.directory is not Let's Encrypt's: the domains by which CAA records name ${host} (RFC 8659)`;
    return written === undefined ? [{ path: "dns.issuers", reason }] : [];
  }
  const isAnother = dns?.issuers !== undefined && !dns.issuers.every((issuer) => known.includes(issuer));
  const isElsewhere = account !== undefined && URL.parse(account)?.host !== host;
  return [
    ...(isAnother ? [{ path: "dns.issuers", reason: `must be ${known.join()}: so CAA records name ${host}` }] : []),
    ...(isElsewhere
      ? [{ path: "https.acme.account", reason: `must be an account at ${host}, as https.acme.directory is` }]
      : []),
  ];
}

/** A certificate is asked for by writing to the vendor's zone, and leads people to an address that is known. */
function certificates({ server, vpn, https }: PartlyRead, given: Given): Mistake[] {
  const { acme } = isTree(given.https) ? given.https : {};
  const { zone: written } = isTree(given.dns) ? given.dns : {};
  const { host, port = 22, address } = server ?? {};
  const unknown =
    https?.acme !== undefined &&
    host !== undefined &&
    vpn !== undefined &&
    customerAddress({ host, port, ...(address === undefined ? {} : { address }) }, vpn as VpnSettings) === undefined;
  return [
    ...(acme !== undefined && written === undefined
      ? [{ path: "dns.zone", reason: "is required where https.acme is given: challenges are answered there (DNS-2)" }]
      : []),
    ...(unknown
      ? [
          {
            path: "server.address",
            reason:
              "is required where https.acme is given and server.host is not the server's address: people are led there",
          },
        ]
      : []),
  ];
}

/** The master is a host that the firewall lets the server out to (Q-SRV-6), and its gate is kept by a login there. */
function salt(read: PartlyRead, given: Given, shown: (value: string) => string): Mistake[] {
  const { salt: written } = isTree(given.management) ? given.management : {};
  const shut = isTree(written) && written.gate !== undefined && written.login === undefined;
  return [
    ...(shut
      ? [{ path: "management.salt.gate", reason: "needs management.salt.login: it is kept on the master" }]
      : []),
    ...masterAddress(read, shown),
  ];
}

function masterAddress({ firewall, management }: PartlyRead, shown: (value: string) => string): Mistake[] {
  const master = management?.salt?.master;
  const open = firewall?.saltMaster;
  if (master === undefined || open === undefined) return [];
  if (open.some((range) => range.replace(/\/\d+$/, "") === master)) return [];
  const reason = `must be one of firewall.saltMaster, which are the only ones that 4505 and 4506 are opened to; given: ${shown(master)}`;
  return [{ path: "management.salt.master", reason }];
}
