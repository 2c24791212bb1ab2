import { expect, test } from "vitest";
import type { CustomerDocument } from "../../../infra/documents/document.ts";
import { asMail } from "../../../infra/documents/mail.ts";

const document: CustomerDocument = {
  language: "da",
  title: "DNS-poster til Ærø Kommunes tre servere med OS2mo, første udgave",
  subtitle: "Til <b>",
  introduction: ["En & to"],
  sections: [
    { heading: "H", table: { head: ["a"], rows: [["<script>"]] }, code: [{ caption: "c", lines: ["x < y"] }] },
    { heading: "Navne", table: { head: ["Navn", "Type"], rows: [["_acme-challenge.a.dk", "CNAME"]] } },
  ],
};
const mail = asMail(document);

/** The parts by their type, decoded as a mail program does. */
function parts(text: string): Record<string, string> {
  const boundary = /boundary="([^"]+)"/.exec(text)?.[1] ?? "";
  return Object.fromEntries(
    text
      .split(`--${boundary}`)
      .slice(1, -1)
      .map((part) => {
        const [head = "", body = ""] = part.split("\r\n\r\n");
        return [/Content-Type: ([^;]+)/.exec(head)?.[1] ?? "", Buffer.from(body, "base64").toString()];
      }),
  );
}

test("a mail is a draft in text and HTML, and what stands in it is text and never markup", () => {
  expect(mail).toContain("\r\nX-Unsent: 1\r\n");
  const { "text/plain": plain = "", "text/html": html = "" } = parts(mail);
  expect(plain).toMatch(/^DNS-poster til Ærø.*\n=+\n\nTil <b>\n/);
  // What a reader copies from it is what is meant.
  expect(plain).toContain("\nNavn: _acme-challenge.a.dk\nType: CNAME\n");
  expect(plain).toContain("\n    x < y\n");
  expect(plain).not.toContain("\\");
  expect(html).toContain("Til &lt;b&gt;");
  expect(html).toContain("&lt;script&gt;");
  expect(html).toMatch(/<pre style="[^"]+">x &lt; y<\/pre>/);
  expect(html).not.toContain("<style");
  expect(html.match(/<(h1|h2|p|td|th|table|pre)>/)).toBeNull();
});

test("files go with it, outside of what is shown (RFC 2046, section 5.1.3), and the same bytes each time", () => {
  const files = [
    { name: "dns-da.csv", type: "text/csv", text: "\uFEFFNavn;Type\r\nø;CNAME\r\n" },
    { name: "dns-da.ps1.txt", type: "text/plain", text: "x\n" },
  ];
  const sent = asMail(document, files);
  expect(sent).toBe(asMail(document, files));
  const outer = /Content-Type: multipart\/mixed;\r\n boundary="([^"]+)"/.exec(sent)?.[1] ?? "";
  const [, body = "", ...attached] = sent.split(`--${outer}`);
  expect(parts(body)).toEqual(parts(mail));
  expect(attached.at(-1)).toBe("--\r\n");
  const read = attached.slice(0, -1).map((part) => {
    const [head = "", text = ""] = part.split("\r\n\r\n");
    return [/attachment; filename="([^"]+)"/.exec(head)?.[1], Buffer.from(text, "base64").toString()];
  });
  expect(read).toEqual(files.map(({ name, text }) => [name, text]));
});

test("every line is ASCII and at most 998 characters long (RFC 5322, section 2.1.1), the subject in words of its own", () => {
  for (const line of mail.split("\r\n")) expect(line).toMatch(/^[\x20-\x7e]{0,78}$/);
  const words = [...(/^Subject: ((?:.*\r\n )*.*)/m.exec(mail)?.[1] ?? "").matchAll(/=\?utf-8\?B\?([^?]+)\?=/g)];
  expect(words.map(([, word = ""]) => Buffer.from(word, "base64").toString()).join("")).toBe(
    "DNS-poster til Ærø Kommunes tre servere med OS2mo, første udgave",
  );
});
