import type { Answer, CustomerDocument, Section, Table } from "./document.ts";

/** A document as Markdown (CommonMark with tables). What stands in it is text, and never markup. */
export function asMarkdown({ title, subtitle, introduction, sections }: CustomerDocument): string {
  return `${[`# ${text(title)}`, `**${text(subtitle)}**`, ...introduction.map(text), ...sections.flatMap(section)].join("\n\n")}\n`;
}

function section({ heading, paragraphs = [], table, code = [], answers = [] }: Section): string[] {
  return [
    `## ${text(heading)}`,
    ...paragraphs.map(text),
    ...(table === undefined ? [] : [tableText(table)]),
    ...code.flatMap(({ caption, lines }) => [text(caption), block(lines)]),
    ...(answers.length === 0 ? [] : [answers.map(answer).join("\n")]),
  ];
}

/** Fenced by more backticks than stand anywhere in it (CommonMark, section 4.5). */
function block(lines: readonly string[]): string {
  const longest = Math.max(2, ...[...lines.join("\n").matchAll(/`+/g)].map(([run]) => run.length));
  const fence = "`".repeat(longest + 1);
  return [fence, ...lines, fence].join("\n");
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
