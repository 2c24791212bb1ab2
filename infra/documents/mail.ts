import { createHash } from "node:crypto";
import type { CustomerDocument } from "./document.ts";
import { asInlineHtml } from "./html.ts";
import { asPlainText } from "./plain-text.ts";

/**
 * A document as a mail that is not sent yet (RFC 5322, RFC 2046 section 5.1.4): text, and HTML with the style at each element, for mail
 * programs throw a style sheet away. Opened, it is a draft (`X-Unsent`), to which the sender adds who gets it.
 */
export function asMail(document: CustomerDocument): string {
  const [plain, html] = [asPlainText(document), asInlineHtml(document)];
  const boundary = `=_${createHash("sha256").update(plain).update(html).digest("hex").slice(0, 32)}`;
  const part = (type: string, text: string) => [
    `--${boundary}`,
    `Content-Type: ${type}; charset=utf-8`,
    "Content-Transfer-Encoding: base64",
    "",
    ...(Buffer.from(text)
      .toString("base64")
      .match(/.{1,76}/g) ?? []),
  ];
  const lines = [
    `Subject: ${encodedWords(document.title)}`,
    "X-Unsent: 1",
    `Content-Language: ${document.language}`,
    "MIME-Version: 1.0",
    "Content-Type: multipart/alternative;",
    ` boundary="${boundary}"`,
    "",
    ...part("text/plain", plain),
    ...part("text/html", html),
    `--${boundary}--`,
    "",
  ];
  return lines.join("\r\n");
}

/** A header's text beyond ASCII, in words of at most 75 characters (RFC 2047, section 2), none of which cuts a character in two. */
function encodedWords(text: string): string {
  if (/^[\x20-\x7e]{1,60}$/.test(text)) return text;
  const words = text.match(/.{1,10}/gu) ?? [];
  return words.map((word) => `=?utf-8?B?${Buffer.from(word).toString("base64")}?=`).join("\r\n ");
}
