import type { Environment } from "../settings.ts";
import type { Language } from "./document.ts";

/** What an opening is for. */
export type Purpose = "ssh" | "web" | "salt" | "vpn" | "dns" | "time" | "packages" | "other";

/** The words of the firewall request in one language. */
export interface FirewallTexts {
  readonly title: string;
  readonly subtitle: (customer: string) => string;
  readonly introduction: readonly string[];
  readonly environments: Readonly<Record<Environment, string>>;
  readonly server: (hostname: string, environment: string) => string;
  readonly address: (address: string) => string;
  /** Where only the reader knows it: in print a line to fill in, in the sheet the cell. */
  readonly addressAsked: string;
  readonly addressUnknown: string;
  readonly columns: {
    readonly direction: string;
    readonly from: string;
    readonly to: string;
    readonly protocol: string;
    readonly ports: string;
    readonly who: string;
    readonly why: string;
    readonly requirement: string;
  };
  /** Column heads of the spreadsheet that the printed tables do not need. */
  readonly sheet: {
    readonly server: string;
    readonly environment: string;
    readonly name: string;
    readonly port: string;
  };
  readonly inbound: string;
  readonly outbound: string;
  readonly theServer: string;
  /** Who opens. */
  readonly who: { readonly customer: string; readonly both: string };
  readonly purposes: Readonly<Record<Purpose, string>>;
  /** After the purpose of an opening that only the settings name. */
  readonly named: (name: string) => string;
  readonly closed: { readonly heading: string; readonly paragraphs: readonly string[] };
  readonly answers: { readonly heading: string; readonly paragraph: string; readonly questions: readonly string[] };
}

/** The words of the firewall request, by language. */
export const firewallTexts: Readonly<Record<Language, FirewallTexts>> = {
  da: {
    title: "Firewall-anmodning for OS2mo",
    subtitle: (customer) => `Til netværksansvarlig hos ${customer}`,
    introduction: [
      "OS2mo skal køre på jeres egne servere i jeres lukkede netværk. Denne anmodning nævner alle de forbindelser, der skal være åbne, og kun dem.",
      "Listen er dannet af de samme indstillinger, som serverens egen firewall sættes op efter. Den daglige styring går over en forbindelse, som serveren selv åbner til leverandøren; udefra skal der kun åbnes for det, der står som indgående nedenfor.",
    ],
    environments: { development: "udvikling", test: "test", production: "produktion" },
    server: (hostname, environment) => `${hostname} (${environment})`,
    address: (address) => `Serverens adresse: ${address}`,
    addressAsked: "Serverens adresse i jeres netværk (oplyses af jer):",
    addressUnknown: "serveren (adressen oplyses af jer)",
    columns: {
      direction: "Retning",
      from: "Fra",
      to: "Til",
      protocol: "Protokol",
      ports: "Port",
      who: "Hvem åbner",
      why: "Begrundelse",
      requirement: "Krav",
    },
    sheet: { server: "Server", environment: "Miljø", name: "Navn", port: "Port" },
    inbound: "Indgående",
    outbound: "Udgående",
    theServer: "serveren",
    who: { customer: "Kunden", both: "Kunden, og leverandøren på sin side (NET-3)" },
    purposes: {
      ssh: "Administration af serveren over SSH, kun fra VPN eller leverandørens net.",
      web: "Brugernes adgang til OS2mo fra jeres eget net. Port 80 viderestiller kun til 443 (HTTPS).",
      salt: "Serveren forbinder sig til leverandørens driftsmiljø (Salt), hvorfra den styres.",
      vpn: "Serveren åbner selv en krypteret tunnel (WireGuard) til leverandøren og administreres gennem den; derfor skal der ikke åbnes for den udefra.",
      dns: "Navneopslag (DNS).",
      time: "Korrekt tid på serveren (NTP); uden den fejler certifikater og log-in.",
      packages: "Hentning over HTTP og HTTPS, for eksempel sikkerhedsopdateringer og programpakker.",
      other: "Aftalt særskilt.",
    },
    named: (name) => ` Betegnelse: ${name}.`,
    closed: {
      heading: "Alt andet forbliver lukket",
      paragraphs: [
        "Alle andre forbindelser til og fra serverne blokeres i begge retninger, også af serverens egen firewall. Svar på forbindelser, der er nævnt ovenfor, hører med til dem.",
      ],
    },
    answers: {
      heading: "Det beder vi jer sende tilbage",
      paragraph:
        "Leverandøren åbner først sin side, når adressen er kendt. Når I har åbnet, prøver vi forbindelserne af, fra vores side og fra serveren, og I får at vide, hvad der er åbent, lukket eller filtreret, og hvad der ikke kunne prøves.",
      questions: [
        "Den eller de eksterne IP-adresser, som serverne bruger udadtil (NET-3):",
        "Dato for åbningen:",
        "Kontaktperson i netværksafdelingen:",
      ],
    },
  },
  en: {
    title: "Firewall request for OS2mo",
    subtitle: (customer) => `To the network department of ${customer}`,
    introduction: [
      "OS2mo is to run on your own servers in your closed network. This request names every connection that must be open, and no other.",
      "The list is made from the same settings as the firewall on the server itself. Day-to-day management uses a connection that the server itself opens to the vendor; inwards, only what is listed below as inbound is needed.",
    ],
    environments: { development: "development", test: "test", production: "production" },
    server: (hostname, environment) => `${hostname} (${environment})`,
    address: (address) => `The server's address: ${address}`,
    addressAsked: "The server's address in your network (to be told by you):",
    addressUnknown: "the server (address to be told by you)",
    columns: {
      direction: "Direction",
      from: "From",
      to: "To",
      protocol: "Protocol",
      ports: "Port",
      who: "Who opens",
      why: "Why",
      requirement: "Requirement",
    },
    sheet: { server: "Server", environment: "Environment", name: "Name", port: "Port" },
    inbound: "Inbound",
    outbound: "Outbound",
    theServer: "the server",
    who: { customer: "The customer", both: "The customer, and the vendor on its side (NET-3)" },
    purposes: {
      ssh: "Administration of the server over SSH, from the VPN or the vendor's network only.",
      web: "The users' access to OS2mo from your own network. Port 80 only redirects to 443 (HTTPS).",
      salt: "The server connects to the vendor's deployment environment (Salt), from which it is managed.",
      vpn: "The server itself opens an encrypted tunnel (WireGuard) to the vendor and is administered through it, so no port is opened inwards for it.",
      dns: "Name service (DNS).",
      time: "The right time on the server (NTP); without it certificates and log-ins fail.",
      packages: "Downloads over HTTP and HTTPS, such as security updates and packages.",
      other: "Agreed on separately.",
    },
    named: (name) => ` Name: ${name}.`,
    closed: {
      heading: "Everything else stays closed",
      paragraphs: [
        "All other connections to and from the servers are blocked in both directions, by the server's own firewall too. Answers to connections named above belong to them.",
      ],
    },
    answers: {
      heading: "What we ask you to send back",
      paragraph:
        "The vendor opens its side only once the address is known. When you have opened yours, we try the connections, from our side and from the server, and tell you what is open, closed or filtered, and what could not be tried.",
      questions: [
        "The external IP address or addresses that the servers use outwards (NET-3):",
        "Date of the opening:",
        "Contact in the network department:",
      ],
    },
  },
};
