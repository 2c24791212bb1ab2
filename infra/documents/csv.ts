import type { Language, Table } from "./document.ts";

/**
 * A table for spreadsheets and tools (RFC 4180, UTF-8). In Danish with semicolons and a byte order mark, for that is what a Danish
 * spreadsheet opens by a double click; in English with commas.
 */
export function asCsv({ head, rows }: Table, language: Language): string {
  const separator = language === "da" ? ";" : ",";
  const line = (cells: readonly string[]) => `${cells.map((cell) => field(cell, separator)).join(separator)}\r\n`;
  return `${language === "da" ? "\uFEFF" : ""}${[head, ...rows].map(line).join("")}`;
}

/** A spreadsheet takes what begins with one of these for a formula, and would run it; an apostrophe makes it text (OWASP, CSV injection). */
function field(cell: string, separator: string): string {
  const inert = /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : cell;
  return inert.includes(separator) || /["\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
}
