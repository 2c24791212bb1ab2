import { describe, expect, test } from "vitest";
import { asCsv } from "../../../infra/documents/csv.ts";
import type { CustomerDocument } from "../../../infra/documents/document.ts";
import { asHtml } from "../../../infra/documents/html.ts";
import { asMarkdown } from "../../../infra/documents/markdown.ts";

const hostile = '<b>*a* | `b`</b> & "c"\n# d';
const document: CustomerDocument = {
  language: "da",
  title: "Titel",
  subtitle: hostile,
  introduction: ["Indledning"],
  sections: [
    { heading: "Tabel", paragraphs: [hostile], table: { head: ["A", "B"], rows: [["1", hostile]] } },
    { heading: "Svar", answers: [{ question: "Hvad?" }, { question: "Hvem?", known: "Os" }] },
  ],
};

describe("Markdown", () => {
  const text = asMarkdown(document);

  test("has headings, tables and places for answers", () => {
    expect(text).toContain("# Titel\n\n");
    expect(text).toContain("## Tabel\n\n");
    expect(text).toContain("| A | B |\n| --- | --- |\n| 1 | ");
    expect(text).toMatch(/- Hvad\? (\\_)+\n- Hvem\? \*\*Os\*\*/);
  });

  test("takes no text for markup", () => {
    const escaped = '\\<b\\>\\*a\\* \\| \\`b\\`\\</b\\> & "c" \\# d';
    expect(text).toContain(`**${escaped}**`);
    expect(text).toContain(`| 1 | ${escaped} |`);
  });
});

describe("HTML", () => {
  const text = asHtml(document);

  test("is one page that needs nothing else, in its language, with a title and scoped heads", () => {
    expect(text).toMatch(/^<!doctype html>\n<html lang="da">/);
    expect(text).toContain('<meta charset="utf-8">');
    expect(text).toContain('<th scope="col">A</th>');
    expect(text).not.toMatch(/(src|href)=|@import|url\(/);
  });

  test("takes no text for markup", () => {
    expect(text).toContain("&lt;b&gt;*a* | `b`&lt;/b&gt; &amp; &quot;c&quot;");
    expect(text).not.toContain("<b>");
  });

  test("breaks no address and no id", () => {
    const sections = [
      { heading: "A", table: { head: ["A"], rows: [["10.0.0.0/8, fd00::/8"], ["in words, and more"]] } },
    ];
    const page = asHtml({ ...document, sections });
    expect(page).toContain("<td><span>10.0.0.0/8</span>, <span>fd00::/8</span></td>");
    expect(page).toContain("<td>in words, and more</td>");
    const long = "_acme-challenge.os2mo.kommune.example";
    const names = asHtml({ ...document, sections: [{ heading: "A", table: { head: ["A"], rows: [[long]] } }] });
    expect(names).toContain(
      "<td><span>_acme-challenge</span><wbr><span>.os2mo</span><wbr><span>.kommune</span><wbr><span>.example</span></td>",
    );
  });

  test("leaves room for answers", () => {
    expect(text).toContain("<dt>Hvad?</dt>\n<dd></dd>\n<dt>Hvem?</dt>\n<dd>Os</dd>");
  });
});

describe("CSV", () => {
  const table = {
    head: ["A", "B"],
    rows: [
      ["a,b;c", 'say "x"\ny'],
      ["=1+1", "-2"],
    ],
  };

  test("English: commas and quotes as RFC 4180 has them", () => {
    expect(asCsv(table, "en")).toBe('A,B\r\n"a,b;c","say ""x""\ny"\r\n\'=1+1,\'-2\r\n');
  });

  test("Danish: as a Danish spreadsheet opens it, and nothing in it is a formula", () => {
    expect(asCsv(table, "da")).toBe('\uFEFFA;B\r\n"a,b;c";"say ""x""\ny"\r\n\'=1+1;\'-2\r\n');
  });
});
