import { customerRecords } from "../settings/records.ts";
import type { DnsRequestSettings } from "./dns-records.ts";
import { dnsTexts } from "./dns-texts.ts";
import type { Language } from "./document.ts";
import { oneLine } from "./one-line.ts";
import { zoneOwner } from "./zone-owner.ts";

/**
 * A script for Microsoft's DNS server (module DnsServer) that creates the records and changes none that is there. With a byte order mark,
 * without which Windows PowerShell 5.1 reads the letters of a comment wrongly.
 */
export function dnsScript(stacks: readonly DnsRequestSettings[], language: Language): string {
  const comments = dnsTexts[language].scriptComments(stacks[0]?.customer.name ?? "");
  const records = stacks.flatMap((settings) =>
    customerRecords(settings).map(({ owner, target }) => {
      const { zone } = zoneOwner(owner, settings);
      return `    @{ Zone = ${quoted(zone)}; Owner = ${quoted(owner)}; Target = ${quoted(`${target}.`)} }`;
    }),
  );
  const lines = [
    ...comments.map((comment) => `# ${oneLine(comment)}`),
    "#Requires -Version 5.1",
    "#Requires -Modules DnsServer",
    "[CmdletBinding(SupportsShouldProcess)]",
    "param([string] $ComputerName = 'localhost', [string] $ZoneName)",
    "Set-StrictMode -Version Latest",
    "$ErrorActionPreference = 'Stop'",
    "",
    "$records = @(",
    ...records,
    ")",
    "",
    ...body,
  ];
  return `\uFEFF${lines.join("\r\n")}\r\n`;
}

const body = [
  "$refused = 0",
  "foreach ($record in $records) {",
  "    $zone = if ($ZoneName) { $ZoneName } else { $record.Zone }",
  `    if (-not $record.Owner.EndsWith(".$zone")) { throw "$($record.Owner) is not in the zone $zone; name the zone that holds it with -ZoneName" }`,
  "    $name = $record.Owner.Substring(0, $record.Owner.Length - $zone.Length - 1)",
  "    $there = @(Get-DnsServerResourceRecord -ComputerName $ComputerName -ZoneName $zone -Name $name -ErrorAction SilentlyContinue)",
  "    $same = @($there | Where-Object { $_.RecordType -eq 'CNAME' -and $_.RecordData.HostNameAlias -eq $record.Target })",
  '    if ($same.Count -gt 0) { Write-Output "ok       $($record.Owner)"; continue }',
  "    if ($there.Count -gt 0) {",
  "        $refused++",
  "        Write-Warning \"$($record.Owner) has other records already: $(($there | ForEach-Object RecordType) -join ', '); not changed\"",
  "        continue",
  "    }",
  '    if ($PSCmdlet.ShouldProcess("$($record.Owner) CNAME $($record.Target)", "create")) {',
  "        Add-DnsServerResourceRecordCName -ComputerName $ComputerName -ZoneName $zone -Name $name -HostNameAlias $record.Target -TimeToLive 01:00:00",
  '        Write-Output "created  $($record.Owner)"',
  "    }",
  "}",
  "if ($refused -gt 0) { exit 1 }",
] as const;

/** A literal of PowerShell, in which nothing is expanded (about_Quoting_Rules). */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
