import type { Answer, CustomerDocument, Section, Table } from "./document.ts";
import { oneLine } from "./one-line.ts";

/** A document as text without any markup, for those who read their mail so: what is to be copied stands there as it is. */
export function asPlainText({ title, subtitle, introduction, sections }: CustomerDocument): string {
  return `${[underlined(title, "="), oneLine(subtitle), ...introduction.map(oneLine), ...sections.flatMap(section)].join("\n\n")}\n`;
}

function section({ heading, paragraphs = [], table, code = [], answers = [] }: Section): string[] {
  return [
    `\n${underlined(heading, "-")}`,
    ...paragraphs.map(oneLine),
    ...(table === undefined ? [] : rows(table)),
    ...code.flatMap(({ caption, lines }) => [oneLine(caption), lines.map((line) => `    ${line}`).join("\n")]),
    ...(answers.length === 0 ? [] : [answers.map(answer).join("\n")]),
  ];
}

function underlined(text: string, by: string): string {
  const line = oneLine(text);
  return `${line}\n${by.repeat(line.length)}`;
}

/** Each row by itself, a line for each cell: a table would be too wide for a mail. */
function rows({ head, rows }: Table): string[] {
  return rows.map((row) => row.map((cell, index) => `${head[index]}: ${oneLine(cell)}`).join("\n"));
}

function answer({ question, known }: Answer): string {
  return `- ${oneLine(question)} ${known === undefined ? "____________" : oneLine(known)}`;
}
