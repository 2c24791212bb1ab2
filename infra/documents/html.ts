import { escaped as text } from "../html.ts";
import type { Answer, Code, CustomerDocument, Section, Table } from "./document.ts";

/** A document as one HTML file that needs nothing else, made for A4 paper and readable on a screen. */
export function asHtml({ language, title, subtitle, introduction, sections }: CustomerDocument): string {
  return `<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)} – ${text(subtitle)}</title>
<style>${style}</style>
</head>
<body>
<header>
<h1>${text(title)}</h1>
<p>${text(subtitle)}</p>
</header>
<main>
${[...introduction.map(paragraph), ...sections.map(section)].join("\n")}
</main>
</body>
</html>
`;
}

/** The same for a mail: one column of text with the style at each element. */
export function asInlineHtml({ language, title, subtitle, introduction, sections }: CustomerDocument): string {
  const plain = [
    `<h1>${text(title)}</h1>`,
    paragraph(subtitle),
    ...introduction.map(paragraph),
    ...sections.map(section),
  ].join("\n");
  // Nothing but our own markup has a bare `<` in it.
  const styled = plain.replace(
    /<(h1|h2|p|table|th|td|span|pre|dt|dd)\b/g,
    (_, tag: string) => `<${tag} style="${inline[tag]}"`,
  );
  return `<!doctype html>\n<html lang="${language}">\n<body style="${inline.body}">\n${styled}\n</body>\n</html>\n`;
}

const font = "font-family:'Segoe UI',Roboto,Arial,sans-serif";
const inline: Readonly<Record<string, string>> = {
  body: `${font};font-size:14px;line-height:1.45;color:#1b1f24`,
  h1: `${font};font-size:22px;margin:0 0 4px;color:#12486b`,
  h2: `${font};font-size:17px;margin:22px 0 6px;color:#12486b`,
  p: `${font};margin:0 0 8px`,
  table: "border-collapse:collapse;margin:6px 0 10px",
  th: `${font};font-size:13px;text-align:left;background:#e9f0f5;border:1px solid #9fb0bd;padding:4px 8px`,
  td: `${font};font-size:13px;vertical-align:top;border:1px solid #9fb0bd;padding:4px 8px`,
  span: "white-space:nowrap",
  pre: "font-family:Consolas,'Liberation Mono',monospace;font-size:12px;background:#f4f6f8;border:1px solid #9fb0bd;padding:8px;white-space:pre-wrap",
  dt: `${font};font-weight:600;margin-top:8px`,
  dd: `${font};margin:2px 0 0;min-height:18px`,
};

const style = `
@page { size: A4; margin: 18mm 16mm; }
:root { color-scheme: light; }
body { font: 10.5pt/1.45 "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; color: #1b1f24; background: #fff;
  max-width: 190mm; margin: 0 auto; padding: 8mm; }
header { border-bottom: 2pt solid #12486b; margin-bottom: 6mm; }
h1 { font-size: 20pt; line-height: 1.2; margin: 0; color: #12486b; }
header p { font-size: 12pt; margin: 1mm 0 3mm; color: #4a5560; }
h2 { font-size: 13pt; margin: 7mm 0 2mm; color: #12486b; break-after: avoid; }
p { margin: 0 0 2.5mm; }
table { border-collapse: collapse; width: 100%; font-size: 9.5pt; margin: 2mm 0 3mm; }
thead { display: table-header-group; }
tr { break-inside: avoid; }
th { background: #e9f0f5; text-align: left; font-weight: 600; }
th, td { border: 0.5pt solid #9fb0bd; padding: 1.3mm 2mm; vertical-align: top; overflow-wrap: break-word; }
td span { white-space: nowrap; }
section { break-inside: avoid; }
pre { font: 8.5pt/1.4 Consolas, "Liberation Mono", monospace; background: #f4f6f8; border: 0.5pt solid #9fb0bd; padding: 2mm;
  margin: 0 0 3mm; white-space: pre-wrap; overflow-wrap: anywhere; }
dl { margin: 2mm 0; }
dt { font-weight: 600; margin-top: 2.5mm; }
dd { margin: 1mm 0 0; min-height: 6mm; border-bottom: 0.5pt solid #6b7885; }
@media print { body { max-width: none; padding: 0; } th { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@media (max-width: 600px) { body { padding: 4mm; } table { display: block; overflow-x: auto; } }
`;

function section({ heading, paragraphs = [], table, code = [], answers = [] }: Section): string {
  return [
    "<section>",
    `<h2>${text(heading)}</h2>`,
    ...paragraphs.map(paragraph),
    ...(table === undefined ? [] : [tableText(table)]),
    ...code.map(codeText),
    ...(answers.length === 0 ? [] : [`<dl>\n${answers.map(answer).join("\n")}\n</dl>`]),
    "</section>",
  ].join("\n");
}

function tableText({ head, rows }: Table): string {
  const row = (cells: readonly string[]) => `<tr>${cells.map((cell) => `<td>${cellText(cell)}</td>`).join("")}</tr>`;
  return [
    "<table>",
    `<thead><tr>${head.map((cell) => `<th scope="col">${text(cell)}</th>`).join("")}</tr></thead>`,
    `<tbody>\n${rows.map(row).join("\n")}\n</tbody>`,
    "</table>",
  ].join("\n");
}

/** Addresses and ids that stand in a list are not broken at their dashes and slashes. */
function cellText(cell: string): string {
  const items = cell.split(", ");
  if (items.some((item) => item.includes(" "))) return text(cell);
  return items.map((item) => (item.length > 32 ? breakable(item) : `<span>${text(item)}</span>`)).join(", ");
}

/** A long name breaks before its dots and nowhere else, and is copied without anything in between. */
function breakable(name: string): string {
  return name
    .split(/(?=\.)/)
    .map((part) => `<span>${text(part)}</span>`)
    .join("<wbr>");
}

function codeText({ caption, lines }: Code): string {
  return `${paragraph(caption)}\n<pre>${lines.map(text).join("\n")}</pre>`;
}

function answer({ question, known = "" }: Answer): string {
  return `<dt>${text(question)}</dt>\n<dd>${text(known)}</dd>`;
}

function paragraph(plain: string): string {
  return `<p>${text(plain)}</p>`;
}
