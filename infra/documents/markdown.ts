import type { Answer, CustomerDocument, Section, Table } from "./document.ts";

/** A document as Markdown (CommonMark with tables). What stands in it is text, and never markup. */
export function asMarkdown({ title, subtitle, introduction, sections }: CustomerDocument): string {
  return `${[`# ${text(title)}`, `**${text(subtitle)}**`, ...introduction.map(text), ...sections.flatMap(section)].join("\n\n")}\n`;
}

function section({ heading, paragraphs = [], table, answers = [] }: Section): string[] {
  return [
    `## ${text(heading)}`,
    ...paragraphs.map(text),
    ...(table === undefined ? [] : [tableText(table)]),
    ...(answers.length === 0 ? [] : [answers.map(answer).join("\n")]),
  ];
}

function tableText({ head, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(text).join(" | ")} |`;
  return [line(head), `|${head.map(() => " --- ").join("|")}|`, ...rows.map(line)].join("\n");
}

function answer({ question, known }: Answer): string {
  return `- ${text(question)} ${known === undefined ? "\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_\\_" : `**${text(known)}**`}`;
}

/** Text in which nothing is markup, on one line. */
function text(plain: string): string {
  return plain.replace(/\s*\n\s*/g, " ").replace(/[\\`*_[\]<>|#~]/g, "\\$&");
}
