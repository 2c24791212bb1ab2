import { readableName } from "../settings/names.ts";
import { type CustomerRecord, customerRecords } from "../settings/records.ts";
import type { NameSettings } from "../settings.ts";
import { caaRequests } from "./caa-request.ts";
import { type DnsTexts, dnsTexts } from "./dns-texts.ts";
import type { CustomerDocument, Language, Section, Table } from "./document.ts";
import { oneLine } from "./one-line.ts";
import { readableNames } from "./readable-names.ts";
import { zoneOwner } from "./zone-owner.ts";

/** What the instructions need of a stack's settings: known before any server exists. */
export type DnsRequestSettings = Pick<NameSettings, "customer" | "environment" | "dns" | "server" | "https">;

/** Ids of the requirements that ask for a record. */
const requirements: Readonly<Record<CustomerRecord["purpose"], string>> = { host: "DNS-4", challenge: "DNS-5" };

/** A public resolver that anybody may ask, for the customer's own test (Quad9, over IPv4). */
const publicResolver = "9.9.9.9";

/**
 * What a customer's DNS department is asked for: exactly two CNAME records for each server (DNS-3 to DNS-7), why, how to create and how
 * to test them.
 *
 * @param stacks The servers, all of one customer, at least one
 * @param script The PowerShell script that goes with it, where one does
 */
export function dnsInstructions(
  stacks: readonly DnsRequestSettings[],
  language: Language,
  script?: Script,
): CustomerDocument {
  const texts = dnsTexts[language];
  const [first] = stacks;
  const { create, split, test, answers } = texts;
  const records = stacks.flatMap(customerRecords);
  const suffixes = [...new Set(stacks.map(({ dns }) => dns.suffix))];
  return {
    language,
    title: texts.title,
    subtitle: texts.subtitle(first?.customer.name ?? ""),
    introduction: texts.introduction(stacks.length, records.length),
    sections: [
      ...stacks.map((settings) => serverSection(settings, language)),
      {
        heading: create.heading,
        paragraphs: create.paragraphs(challengeInZone(stacks)),
        code: [
          { caption: create.zoneFile, lines: zoneLines(records) },
          ...(script === undefined ? [] : [{ caption: scriptCaption(script, create), lines: scriptLines(script) }]),
        ],
      },
      { heading: split.heading, paragraphs: split.paragraphs(suffixes.join(", ")) },
      ...caaSection(stacks, texts),
      {
        heading: test.heading,
        paragraphs: test.paragraphs,
        code: [
          {
            caption: test.windows,
            lines: records.map(
              ({ owner }) => `(Resolve-DnsName -Type CNAME -Server ${publicResolver} ${owner}).NameHost`,
            ),
          },
          { caption: test.unix, lines: records.map(({ owner }) => `dig +short @${publicResolver} ${owner} CNAME`) },
          { caption: test.answer, lines: records.map(({ target }) => target) },
          { caption: test.inside, lines: stacks.map(({ server }) => `nslookup ${server.hostname}`) },
        ],
      },
      {
        heading: answers.heading,
        paragraphs: [answers.paragraph],
        answers: answers.questions.map((question) => ({ question })),
      },
    ],
  };
}

/** How the script is come by. */
export interface Script {
  /** Its name. */
  readonly file: string;
  /** Under which other name it is sent, where a script by its own would be held back. */
  readonly sentAs?: string;
}

function scriptCaption({ file, sentAs }: Script, { powerShell, renamed }: DnsTexts["create"]): string {
  return sentAs === undefined ? powerShell(file) : `${renamed(sentAs, file)} ${powerShell(file)}`;
}

/** A script that has come from elsewhere runs only so; the policy is another for that one process. */
function scriptLines({ file }: Script): string[] {
  const run = `powershell -ExecutionPolicy Bypass -File .\\${file}`;
  return [`${run} -WhatIf`, run];
}

/** `_acme-challenge.os2mo`: what is typed where a program adds the domain. */
function challengeInZone([first]: readonly DnsRequestSettings[]): string {
  return first === undefined ? "" : zoneOwner(customerRecords(first)[1].owner, first).name;
}

function serverSection(settings: DnsRequestSettings, language: Language): Section {
  const texts = dnsTexts[language];
  const { hostname } = settings.server;
  const { owner, type, target, why, requirement } = texts.columns;
  const rows = customerRecords(settings).map((record) => [
    record.owner,
    "CNAME",
    record.target,
    texts.purposes[record.purpose],
    requirements[record.purpose],
  ]);
  return {
    heading: texts.server(readableName(hostname), texts.environments[settings.environment]),
    paragraphs: readableNames([settings], language),
    table: { head: [owner, type, target, why, requirement], rows },
  };
}

/** What a domain with CAA records needs; one without needs nothing, and a first record there would shut other authorities out. */
function caaSection(stacks: readonly DnsRequestSettings[], { caa }: DnsTexts): Section[] {
  const lines = caaLines(stacks);
  if (lines.length === 0) return [];
  const bound = lines.some((line) => line.includes("accounturi="));
  const paragraphs = [...caa.paragraphs, bound ? caa.accounts : caa.anyAccount];
  return [{ heading: caa.heading, paragraphs, code: [{ caption: caa.lines, lines }] }];
}

function caaLines(stacks: readonly DnsRequestSettings[]): string[] {
  return caaRequests(stacks).map(({ owner, data }) => `${owner}. 3600 IN CAA ${data}`);
}

/** Lines as a zone file has them (RFC 1035, section 5.1): absolute names, with the closing dot (DNS-9). */
function zoneLines(records: readonly CustomerRecord[]): string[] {
  return records.map(({ owner, target }) => `${owner}. 3600 IN CNAME ${target}.`);
}

/** The records as lines to be put into a zone file, and nothing else. */
export function dnsZoneLines(stacks: readonly DnsRequestSettings[], language: Language): string {
  const texts = dnsTexts[language];
  const caa = caaLines(stacks);
  const lines = [
    ...[...texts.zoneComments(stacks[0]?.customer.name ?? ""), ...readableNames(stacks, language)].map(
      (comment) => `; ${oneLine(comment)}`,
    ),
    ...zoneLines(stacks.flatMap(customerRecords)),
    ...(caa.length === 0 ? [] : [`; ${texts.caa.zoneComment}`]),
    ...caa.map((line) => `; ${line}`),
  ];
  return `${lines.join("\n")}\n`;
}

/** The records as a sheet: a row for each. */
export function dnsSheet(stacks: readonly DnsRequestSettings[], language: Language): Table {
  const { columns, sheet, environments, purposes } = dnsTexts[language];
  const rows = stacks.flatMap((settings) =>
    customerRecords(settings).map(({ owner, target, purpose }) => {
      const { zone, name } = zoneOwner(owner, settings);
      const { hostname } = settings.server;
      return [
        readableName(hostname),
        environments[settings.environment],
        owner,
        "CNAME",
        target,
        zone,
        name,
        purposes[purpose],
        requirements[purpose],
      ];
    }),
  );
  const head = [
    sheet.server,
    sheet.environment,
    columns.owner,
    columns.type,
    columns.target,
    sheet.zone,
    sheet.name,
    columns.why,
    columns.requirement,
  ];
  return { head, rows };
}
