import { customerRecords } from "../settings/records.ts";
import type { DnsRequestSettings } from "./dns-records.ts";
import { dnsTexts } from "./dns-texts.ts";
import type { Language } from "./document.ts";
import { oneLine } from "./one-line.ts";
import { readableNames } from "./readable-names.ts";
import { zoneOwner } from "./zone-owner.ts";

/**
 * A script for Microsoft's DNS server (module DnsServer) that creates the records and changes none that is there. With a byte order mark,
 * without which Windows PowerShell 5.1 reads the letters of a comment wrongly.
 */
export function dnsScript(stacks: readonly DnsRequestSettings[], language: Language): string {
  const comments = [
    ...dnsTexts[language].scriptComments(stacks[0]?.customer.name ?? ""),
    ...readableNames(stacks, language),
  ];
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

/**
 * Nothing is created before every name and zone is known to be right. Each call stops by itself where it fails: what a script sets for
 * all does not reach into a module (about_Preference_Variables). Without -Node, records below a name would be taken for the name's own.
 */
const body = [
  "foreach ($record in $records) {",
  "    if ($ZoneName) { $record.Zone = $ZoneName }",
  '    if (-not $record.Owner.EndsWith(".$($record.Zone)", [StringComparison]::OrdinalIgnoreCase)) {',
  '        throw "$($record.Owner) is not in the zone $($record.Zone); name the zone that holds it with -ZoneName"',
  "    }",
  "}",
  "foreach ($zone in @($records | ForEach-Object { $_.Zone } | Sort-Object -Unique)) {",
  "    $kept = Get-DnsServerZone -ComputerName $ComputerName -Name $zone -ErrorAction Stop",
  "    if ($kept.ZoneType -ne 'Primary') {",
  '        throw "$ComputerName has the zone $zone as $($kept.ZoneType); name the server that has it as primary with -ComputerName"',
  "    }",
  "}",
  "",
  "$refused = 0",
  "foreach ($record in $records) {",
  "    $zone = $record.Zone",
  "    $name = $record.Owner.Substring(0, $record.Owner.Length - $zone.Length - 1)",
  "    $there = @()",
  "    try {",
  "        $there = @(Get-DnsServerResourceRecord -ComputerName $ComputerName -ZoneName $zone -Name $name -Node -ErrorAction Stop)",
  "    } catch {",
  "        # The zone is there: what is not found is the name.",
  "        if ($_.CategoryInfo.Category -ne 'ObjectNotFound') { throw }",
  "    }",
  "    $same = @($there | Where-Object { $_.RecordType -eq 'CNAME' -and $_.RecordData.HostNameAlias -eq $record.Target })",
  '    if ($same.Count -gt 0) { Write-Output "ok       $($record.Owner)"; continue }',
  "    if ($there.Count -gt 0) {",
  "        $refused++",
  "        Write-Warning \"$($record.Owner) has other records already: $(($there | ForEach-Object RecordType) -join ', '); not changed\"",
  "        continue",
  "    }",
  '    if ($PSCmdlet.ShouldProcess("$($record.Owner) CNAME $($record.Target)", "create")) {',
  "        Add-DnsServerResourceRecordCName -ComputerName $ComputerName -ZoneName $zone -Name $name -HostNameAlias $record.Target -TimeToLive 01:00:00 -ErrorAction Stop",
  '        Write-Output "created  $($record.Owner)"',
  "    }",
  "}",
  "if ($refused -gt 0) { exit 1 }",
] as const;

/** A literal of PowerShell, in which nothing is expanded (about_Quoting_Rules). */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
