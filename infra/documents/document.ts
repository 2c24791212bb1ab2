/** Languages in which a customer can have a document. */
export const languages = ["da", "en"] as const;
export type Language = (typeof languages)[number];

/** A table with a heading for each column. */
export interface Table {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** Something that the reader fills in: what is asked, and what is known already. */
export interface Answer {
  readonly question: string;
  readonly known?: string;
}

/** Lines to be copied as they are, under a line that says what for. */
export interface Code {
  readonly caption: string;
  readonly lines: readonly string[];
}

/** A part of a document, its pieces in this order. */
export interface Section {
  readonly heading: string;
  readonly paragraphs?: readonly string[];
  readonly table?: Table;
  readonly code?: readonly Code[];
  readonly answers?: readonly Answer[];
}

/** What a customer receives, free of any form: `markdown.ts` and `html.ts` write it. */
export interface CustomerDocument {
  readonly language: Language;
  readonly title: string;
  /** For whom it is, in a line. */
  readonly subtitle: string;
  readonly introduction: readonly string[];
  readonly sections: readonly Section[];
}
