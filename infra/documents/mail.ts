import { createHash } from "node:crypto";
import type { CustomerDocument } from "./document.ts";
import { asInlineHtml } from "./html.ts";
import { asPlainText } from "./plain-text.ts";

/** A file that goes with a mail. */
export interface Attachment {
  /** In ASCII, without quotes. */
  readonly name: string;
  /** `text/csv` */
  readonly type: string;
  readonly text: string;
}

/**
 * A document as a mail that is not sent yet (RFC 5322, RFC 2046 sections 5.1.3 and 5.1.4): text, and HTML with the style at each
 * element, for mail programs throw a style sheet away; and files. Opened, it is a draft (`X-Unsent`), to which the sender adds who gets it.
 */
export function asMail(document: CustomerDocument, attachments: readonly Attachment[] = []): string {
  const inline = multipart("alternative", [
    part("text/plain", asPlainText(document)),
    part("text/html", asInlineHtml(document)),
  ]);
  const files = attachments.map(({ name, type, text }) =>
    part(type, text, [`Content-Disposition: attachment; filename="${name}"`]),
  );
  const lines = [
    `Subject: ${encodedWords(document.title)}`,
    "X-Unsent: 1",
    `Content-Language: ${document.language}`,
    "MIME-Version: 1.0",
    ...(files.length === 0 ? inline : multipart("mixed", [inline, ...files])),
    "",
  ];
  return lines.join("\r\n");
}

/** Its headers, an empty line and its text. */
type Part = readonly string[];

function part(type: string, text: string, headers: readonly string[] = []): Part {
  return [
    `Content-Type: ${type}; charset=utf-8`,
    ...headers,
    "Content-Transfer-Encoding: base64",
    "",
    ...(Buffer.from(text)
      .toString("base64")
      .match(/.{1,76}/g) ?? []),
  ];
}

/** The boundary follows from what it parts, so that the same mail has the same bytes. */
function multipart(kind: "alternative" | "mixed", parts: readonly Part[]): Part {
  const boundary = `=_${createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 32)}`;
  return [
    `Content-Type: multipart/${kind};`,
    ` boundary="${boundary}"`,
    "",
    ...parts.flatMap((lines) => [`--${boundary}`, ...lines]),
    `--${boundary}--`,
  ];
}

/** A header's text beyond ASCII, in words of at most 75 characters (RFC 2047, section 2), none of which cuts a character in two. */
function encodedWords(text: string): string {
  if (/^[\x20-\x7e]{1,60}$/.test(text)) return text;
  const words = text.match(/.{1,10}/gu) ?? [];
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString("base64")}?=`).join("\r\n ");
}
