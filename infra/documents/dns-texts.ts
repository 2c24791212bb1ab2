import type { CustomerRecord } from "../settings/records.ts";
import type { Environment } from "../settings.ts";
import type { Language } from "./document.ts";

/** The words of the DNS instructions in one language. */
export interface DnsTexts {
  readonly title: string;
  readonly subtitle: (customer: string) => string;
  readonly introduction: (servers: number, records: number) => readonly string[];
  readonly environments: Readonly<Record<Environment, string>>;
  readonly server: (hostname: string, environment: string) => string;
  /** Of a name that has letters beyond a to z: how people write it, and how DNS does. */
  readonly readable: (name: string, inDns: string) => string;
  readonly columns: {
    readonly owner: string;
    readonly type: string;
    readonly target: string;
    readonly why: string;
    readonly requirement: string;
  };
  /** Column heads of the spreadsheet that the printed tables do not need. */
  readonly sheet: {
    readonly server: string;
    readonly environment: string;
    readonly zone: string;
    readonly name: string;
  };
  readonly purposes: Readonly<Record<CustomerRecord["purpose"], string>>;
  readonly create: {
    readonly heading: string;
    /** @param name A record's, where a program adds the domain to what is typed. */
    readonly paragraphs: (name: string) => readonly string[];
    readonly zoneFile: string;
    /** Followed by two commands: what it would do, and doing it. */
    readonly powerShell: (file: string) => string;
    readonly renamed: (sentAs: string, file: string) => string;
  };
  readonly split: { readonly heading: string; readonly paragraphs: (suffix: string) => readonly string[] };
  readonly caa: {
    readonly heading: string;
    readonly paragraphs: readonly string[];
    /** Where each record names a server's account, and where some do not. */
    readonly accounts: string;
    readonly anyAccount: string;
    readonly lines: string;
    readonly zoneComment: string;
  };
  readonly test: {
    readonly heading: string;
    readonly paragraphs: readonly string[];
    readonly windows: string;
    readonly unix: string;
    readonly answer: string;
    readonly inside: string;
  };
  readonly answers: { readonly heading: string; readonly paragraph: string; readonly questions: readonly string[] };
  /** Comments at the top of the zone-file lines and of the script. */
  readonly zoneComments: (customer: string) => readonly string[];
  readonly scriptComments: (customer: string) => readonly string[];
}

/** The words of the DNS instructions, by language. */
export const dnsTexts: Readonly<Record<Language, DnsTexts>> = {
  da: {
    title: "DNS-poster til OS2mo",
    subtitle: (customer) => `Til den DNS-ansvarlige hos ${customer}`,
    introduction: (servers, records) => [
      `${servers === 1 ? "Jeres server" : `Hver af jeres ${servers} servere`} til OS2mo skal have to CNAME-poster i jeres DNS${servers === 1 ? "" : `: i alt ${records}`}. De oprettes én gang og skal ikke ændres, når en server får en anden adresse, eller når et certifikat fornyes.`,
      "Posterne peger ind i leverandørens zone. Det er nødvendigt, fordi serverne står i jeres lukkede netværk: en certifikatudsteder kan ikke nå dem og kontrollerer i stedet navnet via DNS.",
    ],
    environments: { development: "udvikling", test: "test", production: "produktion" },
    server: (hostname, environment) => `${hostname} (${environment})`,
    readable: (name, inDns) => `Navnet ${name} skrives i DNS som ${inDns}.`,
    columns: { owner: "Navn", type: "Type", target: "Peger på", why: "Begrundelse", requirement: "Krav" },
    sheet: { server: "Server", environment: "Miljø", zone: "Zone", name: "Navn i zonen" },
    purposes: {
      host: "Fører brugerne til serveren. Adressen står i leverandørens zone.",
      challenge:
        "Lader leverandøren svare certifikatudstederen for netop dette navn, så HTTPS-certifikatet udstedes og fornyes af sig selv.",
    },
    create: {
      heading: "Sådan oprettes de",
      paragraphs: (name) => [
        "»Navn« og »Peger på« er hele navne. I en zonefil skal de slutte med et punktum, som nedenfor; uden det føjer DNS-serveren jeres eget domæne til. I de fleste administrationsprogrammer og hos de fleste udbydere skrives de uden punktum.",
        `Mange af dem føjer selv domænet til »Navn«. Så skal kun den del skrives, der står foran domænet, fx ${name}; ellers kommer domænet til at stå to gange.`,
        "Ved siden af en CNAME-post må der ikke stå andre poster med samme navn. Findes navnet allerede, så skriv til os, før I ændrer noget.",
      ],
      zoneFile: "Linjer til en zonefil:",
      powerShell: (file) =>
        `Til Microsofts DNS-server er der et PowerShell-script, ${file}. Det ændrer ingen post, der findes. Den første linje viser kun, hvad det ville gøre; den anden gør det:`,
      renamed: (sentAs, file) =>
        `Scriptet er vedhæftet som ${sentAs}, fordi mange mailprogrammer holder scripts tilbage; gem det som ${file}.`,
    },
    split: {
      heading: "Hvis I har et særskilt internt DNS (split DNS)",
      paragraphs: (suffix) => [
        "Begge poster skal stå i den offentlige zone: det er den, certifikatudstederen ser. Svarer jeres interne DNS-servere selv for domænet, skal posten for serverens navn også stå i den interne zone; den med _acme-challenge behøver ikke at gøre det.",
        `Jeres interne DNS-servere skal kunne slå navne under ${suffix} op. Slår de ikke selv navne op på internettet, skal de sende spørgsmål om ${suffix} videre til en server, der gør (conditional forwarder).`,
        `Serverens adresse er en adresse i jeres eget net. Nogle DNS-servere og firewalls fjerner sådanne adresser fra svar udefra (beskyttelse mod DNS rebinding); i så fald skal ${suffix} undtages.`,
      ],
    },
    caa: {
      heading: "Hvis jeres domæne har CAA-poster",
      paragraphs: [
        "CAA-poster med issue siger, hvilke certifikatudstedere der må udstede til domænet. Har jeres domæne ingen sådan post, skal I ikke gøre noget: opret ingen for vores skyld, for den første lukker alle andre udstedere ude, også hvor der i forvejen står poster med issuewild eller iodef. Har domænet poster med issue, så tilføj nedenstående ved siden af dem.",
        "Står der CAA-poster længere nede, ved et navn mellem domænet og serveren, er det dem, der gælder; så skal nedenstående stå dér. Står de kun længere oppe, ved et domæne over det, der er nævnt i linjerne, så tilføj det dér, ikke ved det nævnte.",
        "PowerShell-scriptet opretter ikke CAA-poster: Microsofts DNS-server kender dem kun som type 257. Ligger den offentlige zone hos en udbyder, kan de oprettes dér.",
      ],
      accounts:
        "accounturi er den konto, serveren har hos udstederen: ingen anden kan få et certifikat ved hjælp af posten. validationmethods siger, at navne kun må valideres via DNS (RFC 8657). Har I en post uden accounturi, som I har oprettet for vores skyld, så fjern den, når alle vores servere har hver sin; ellers har kontoen ingen virkning. Får en server en anden konto, får I posterne igen; den gamle skal så fjernes.",
      anyAccount: "validationmethods siger, at navne kun må valideres via DNS (RFC 8657).",
      lines: "Linjer til en zonefil:",
      zoneComment:
        "Kun hvis domænet har CAA-poster med issue i forvejen, og ved det navn, hvor de står; fjern da semikolonet:",
    },
    test: {
      heading: "Sådan tester I dem",
      paragraphs: [
        "Spørg fra en maskine uden for jeres net, eller spørg en offentlig DNS-server som vist. Kan den ikke nås fra jeres net, så spørg en anden, eller brug en telefon eller en maskine på et mobilnet. Nye poster kan være nogle minutter om at blive set; er der spurgt efter dem, før de fandtes, op til en time eller mere.",
      ],
      windows: "På Windows (PowerShell):",
      unix: "På Linux og macOS:",
      answer: "Svaret skal være dette; dig viser et punktum til sidst:",
      inside:
        "Fra jeres eget net, når vi har sagt, at adressen står i vores zone; svaret skal slutte med serverens adresse:",
    },
    answers: {
      heading: "Det beder vi jer sende tilbage",
      paragraph:
        "Når I har oprettet posterne, tester vi hver af dem, ved alle jeres navneservere og fra serveren selv, og I får at vide, hvad der mangler.",
      questions: [
        "Dato for oprettelsen:",
        "Har I et særskilt internt DNS for domænet (ja/nej):",
        "Kontaktperson for DNS:",
      ],
    },
    zoneComments: (customer) => [`OS2mo hos ${customer}: CNAME-poster. Punktummet til sidst hører med.`],
    scriptComments: (customer) => [
      `OS2mo hos ${customer}: CNAME-poster til Microsofts DNS-server.`,
      "Med -WhatIf vises kun, hvad der ville ske. Poster, der findes, ændres ikke.",
      "-ComputerName: DNS-serveren, hvis det ikke er denne maskine. -ZoneName: zonen, hvis det er en anden end domænets.",
    ],
  },
  en: {
    title: "DNS records for OS2mo",
    subtitle: (customer) => `To those responsible for DNS at ${customer}`,
    introduction: (servers, records) => [
      `${servers === 1 ? "Your server" : `Each of your ${servers} servers`} for OS2mo needs two CNAME records in your DNS${servers === 1 ? "" : `: ${records} in all`}. They are created once, and need no change when a server gets another address or a certificate is renewed.`,
      "The records point into the vendor's zone. That is needed because the servers stand in your closed network: a certificate authority cannot reach them, and tests the name in DNS instead.",
    ],
    environments: { development: "development", test: "test", production: "production" },
    server: (hostname, environment) => `${hostname} (${environment})`,
    readable: (name, inDns) => `In DNS the name ${name} is written ${inDns}.`,
    columns: { owner: "Name", type: "Type", target: "Points to", why: "Why", requirement: "Requirement" },
    sheet: { server: "Server", environment: "Environment", zone: "Zone", name: "Name in the zone" },
    purposes: {
      host: "Leads the users to the server. Its address stands in the vendor's zone.",
      challenge:
        "Lets the vendor answer the certificate authority for this one name, so that the HTTPS certificate is issued and renewed by itself.",
    },
    create: {
      heading: "How to create them",
      paragraphs: (name) => [
        "“Name” and “Points to” are whole names. In a zone file they end with a dot, as below; without it the DNS server appends your own domain. Most administration programs and providers want them without the dot.",
        `Many of those append the domain to “Name” themselves. Then type only the part in front of the domain, such as ${name}; or the domain will stand there twice.`,
        "No other record may stand beside a CNAME under the same name. If the name is taken already, write to us before you change anything.",
      ],
      zoneFile: "Lines for a zone file:",
      powerShell: (file) =>
        `For Microsoft's DNS server there is a PowerShell script, ${file}. It changes no record that is there. The first line only shows what it would do; the second does it:`,
      renamed: (sentAs, file) =>
        `The script is attached as ${sentAs}, for many mail programs hold scripts back; save it as ${file}.`,
    },
    split: {
      heading: "If you have a separate internal DNS (split DNS)",
      paragraphs: (suffix) => [
        "Both records must stand in the public zone: that is the one that the certificate authority sees. Where your internal DNS servers answer for the domain themselves, the record of the server's name must stand in the internal zone, too; the one with _acme-challenge need not.",
        `Your internal DNS servers must be able to resolve names below ${suffix}. Where they do not ask the internet themselves, they have to forward questions about ${suffix} to a server that does (conditional forwarder).`,
        `The server's address is one of your own network. Some DNS servers and firewalls take such addresses out of answers from outside (protection against DNS rebinding); then ${suffix} has to be excepted.`,
      ],
    },
    caa: {
      heading: "If your domain has CAA records",
      paragraphs: [
        "CAA records with issue say which certificate authorities may issue for the domain. Where your domain has no such record, there is nothing to do: create none for our sake, for the first one shuts every other authority out, also where records with issuewild or iodef stand there already. Where the domain has records with issue, add what follows beside them.",
        "Where CAA records stand further down, at a name between the domain and the server, it is those that count; then what follows has to stand there. Where they stand only further up, at a domain above the one that the lines name, add it there, and not at the one that is named.",
        "The PowerShell script creates no CAA records: Microsoft's DNS server knows them only as type 257. Where a provider keeps the public zone, they can be created there.",
      ],
      accounts:
        "accounturi is the account that the server has at the authority: nobody else can get a certificate by the record. validationmethods says that names are validated by DNS alone (RFC 8657). Where you have a record without accounturi that you created for our sake, remove it once every server of ours has its own; or the account has no effect. If a server gets another account, you get the records again; the old one must be removed then.",
      anyAccount: "validationmethods says that names are validated by DNS alone (RFC 8657).",
      lines: "Lines for a zone file:",
      zoneComment:
        "Only where the domain has CAA records with issue already, and at the name where they stand; take the semicolon away then:",
    },
    test: {
      heading: "How to test them",
      paragraphs: [
        "Ask from a machine outside your network, or ask a public DNS server as shown. Where that cannot be reached from your network, ask another, or use a phone or a machine on a mobile network. It can take some minutes until new records are seen; where they were asked for before they were there, an hour or more.",
      ],
      windows: "On Windows (PowerShell):",
      unix: "On Linux and macOS:",
      answer: "The answer must be this; dig shows a closing dot:",
      inside:
        "From your own network, once we have told you that the address stands in our zone; the answer must end with the server's address:",
    },
    answers: {
      heading: "What we ask you to send back",
      paragraph:
        "When you have created the records, we test each of them, at all of your name servers and from the server itself, and tell you what is missing.",
      questions: [
        "Date on which they were created:",
        "Do you have a separate internal DNS for the domain (yes/no):",
        "Contact for DNS:",
      ],
    },
    zoneComments: (customer) => [`OS2mo at ${customer}: CNAME records. The closing dot belongs to the name.`],
    scriptComments: (customer) => [
      `OS2mo at ${customer}: CNAME records for Microsoft's DNS server.`,
      "With -WhatIf it only shows what would be done. Records that are there are not changed.",
      "-ComputerName: the DNS server, where it is not this machine. -ZoneName: the zone, where it is another than the domain's.",
    ],
  },
};
