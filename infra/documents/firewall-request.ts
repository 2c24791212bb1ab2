import { masterEntry } from "../settings/firewall.ts";
import { openingsOf } from "../settings/openings.ts";
import { customerAddress, liesIn } from "../settings/server-address.ts";
import { vpnEntry } from "../settings/vpn.ts";
import type { Settings } from "../settings.ts";
import type { CustomerDocument, Language, Section, Table } from "./document.ts";
import { type FirewallTexts, firewallTexts, type Purpose } from "./firewall-texts.ts";

/** What the request needs of a stack's settings. */
export type RequestSettings = Pick<Settings, "customer" | "environment" | "firewall" | "vpn"> & {
  readonly server: Pick<Settings["server"], "hostname" | "address" | "host" | "port">;
};

/** One connection that the customer's firewalls must let through. */
export interface Request {
  /** `ssh` and `web` inwards; outwards `salt`, or a name of the settings. */
  readonly name: string;
  readonly direction: "inbound" | "outbound";
  readonly protocol: "tcp" | "udp";
  readonly ports: readonly number[];
  /** The other side, ranges in CIDR notation. */
  readonly others: readonly string[];
  readonly purpose: Purpose;
  /** Ids of the requirements that ask for it. */
  readonly requirements: readonly string[];
}

/**
 * Every opening of a server, as its own firewall has them (NET-1, NET-2, Q-SRV-3): inwards first, then the vendor, then by name. What
 * comes inside the server's own tunnel is none of the customer's openings (ACC-4).
 */
export function requestsOf({ firewall, vpn }: Pick<RequestSettings, "firewall" | "vpn">): Request[] {
  const { inbound, outbound } = openingsOf(firewall);
  const { ssh, web } = inbound;
  const { [masterEntry]: salt, ...rest } = outbound;
  const outside = ssh.from.filter((range) => !liesIn(range, vpn.wireguard?.hub.ranges ?? []));
  const named = Object.entries(rest).sort(([one], [other]) => (one < other ? -1 : 1));
  return [
    ...(outside.length === 0 ? [] : [inwards("ssh", { ...ssh, from: outside }, ["NET-1", "Q-SRV-5"])]),
    inwards("web", web, ["NET-1", "NET-4", "Q-SRV-7"]),
    ...(salt === undefined ? [] : [outwards(masterEntry, salt, "salt", ["NET-2", "Q-SRV-6"])]),
    ...named.map(([name, opening]) =>
      name === vpnEntry && vpn.wireguard !== undefined
        ? outwards(name, opening, "vpn", ["ACC-1", "ACC-4"])
        : outwards(name, opening, purposeOf(opening), ["Q-SRV-3"]),
    ),
  ];
}

type Inbound = ReturnType<typeof openingsOf>["inbound"]["ssh"];
type Outbound = ReturnType<typeof openingsOf>["outbound"][string];

function inwards(name: "ssh" | "web", { from, protocol, ports }: Inbound, requirements: string[]): Request {
  return { name, direction: "inbound", protocol, ports, others: from, purpose: name, requirements };
}

function outwards(name: string, { to, protocol, ports }: Outbound, purpose: Purpose, requirements: string[]): Request {
  return { name, direction: "outbound", protocol, ports, others: to, purpose, requirements };
}

/** By the ports alone (IANA's registry of service names): what the settings call it is a name of the operator's own. */
function purposeOf({ protocol, ports }: Outbound): Purpose {
  const only = (...some: number[]) => ports.every((port) => some.includes(port));
  if (only(53)) return "dns";
  if (protocol === "udp" && only(123)) return "time";
  if (protocol === "tcp" && only(80, 443)) return "packages";
  return "other";
}

/**
 * The firewall request for a customer's network department: every opening of each server, and nothing else.
 *
 * @param stacks The servers, all of one customer, at least one
 */
export function firewallRequest(stacks: readonly RequestSettings[], language: Language): CustomerDocument {
  const texts = firewallTexts[language];
  return {
    language,
    title: texts.title,
    subtitle: texts.subtitle(stacks[0]?.customer.name ?? ""),
    introduction: texts.introduction,
    sections: [
      ...stacks.map((settings) => serverSection(settings, texts)),
      texts.closed,
      {
        heading: texts.answers.heading,
        paragraphs: [texts.answers.paragraph],
        answers: texts.answers.questions.map((question) => ({ question })),
      },
    ],
  };
}

function serverSection(settings: RequestSettings, texts: FirewallTexts): Section {
  const { columns } = texts;
  const address = customerAddress(settings.server, settings.vpn);
  const rows = requestsOf(settings).map((request) => {
    const others = request.others.map(plainRange).join(", ");
    const [source, destination] =
      request.direction === "inbound" ? [others, texts.theServer] : [texts.theServer, others];
    return [
      texts[request.direction],
      source,
      destination,
      request.protocol.toUpperCase(),
      request.ports.join(", "),
      whoOf(request, texts),
      whyOf(request, texts),
      request.requirements.join(", "),
    ];
  });
  return {
    heading: texts.server(settings.server.hostname, texts.environments[settings.environment]),
    table: {
      head: [
        columns.direction,
        columns.from,
        columns.to,
        columns.protocol,
        columns.ports,
        columns.who,
        columns.why,
        columns.requirement,
      ],
      rows,
    },
    // Filled in by who knows it, rather than wrong.
    ...(address === undefined
      ? { answers: [{ question: texts.addressAsked }] }
      : { paragraphs: [texts.address(address)] }),
  };
}

/** The request as a sheet: a row for each server, other side and port, as a firewall's own rules have them. */
export function firewallSheet(stacks: readonly RequestSettings[], language: Language): Table {
  const texts = firewallTexts[language];
  const { columns, sheet } = texts;
  const rows = stacks.flatMap((settings) =>
    requestsOf(settings).flatMap((request) =>
      request.others.map(plainRange).flatMap((other) =>
        request.ports.map((port) => {
          const own = customerAddress(settings.server, settings.vpn) ?? texts.addressUnknown;
          const [source, destination] = request.direction === "inbound" ? [other, own] : [own, other];
          return [
            settings.server.hostname,
            texts.environments[settings.environment],
            texts[request.direction],
            source,
            destination,
            request.protocol.toUpperCase(),
            String(port),
            request.name,
            whoOf(request, texts),
            whyOf(request, texts),
            request.requirements.join(" "),
          ];
        }),
      ),
    ),
  );
  const head = [
    sheet.server,
    sheet.environment,
    columns.direction,
    columns.from,
    columns.to,
    columns.protocol,
    sheet.port,
    sheet.name,
    columns.who,
    columns.why,
    columns.requirement,
  ];
  return { head, rows };
}

/** Who opens: the customer, always; and the vendor its own side of the connection to the master (NET-3). */
function whoOf({ purpose }: Request, { who }: FirewallTexts): string {
  return purpose === "salt" ? who.both : who.customer;
}

function whyOf({ purpose, name }: Request, texts: FirewallTexts): string {
  const own = purpose === "ssh" || purpose === "web" || purpose === "salt" || purpose === "vpn";
  return own ? texts.purposes[purpose] : `${texts.purposes[purpose]}${texts.named(name)}`;
}

/** One address as people write it, without the length of its prefix. */
function plainRange(range: string): string {
  return range.replace(range.includes(":") ? /\/128$/ : /\/32$/, "");
}
