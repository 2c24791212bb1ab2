import { describe, expect, test } from "vitest";
import {
  chooseMirrors,
  parseAptAccess,
  parseOneLine,
  parseParagraphs,
  sourceLines,
  throughProxy,
} from "../../lab/apt-sources.ts";

describe("parseOneLine", () => {
  test.each([
    ["deb http://a.example/debian bookworm main contrib", [["http://a.example/debian", "bookworm", "main contrib"]]],
    [
      "  deb [arch=amd64 signed-by=/k.gpg] https://b.example/debian/ sid main # note",
      [["https://b.example/debian/", "sid", "main"]],
    ],
    ["deb-src http://a.example/debian bookworm main", []],
    ["# deb http://a.example/debian bookworm main", []],
    ["deb http://flat.example/ ./", []],
    ["", []],
  ])("%o", (line, expected) => {
    expect(parseOneLine(line).map(({ uri, suite, components }) => [uri, suite, components.join(" ")])).toEqual(
      expected,
    );
  });
});

describe("parseParagraphs", () => {
  test("Debian 12's own file: comments inside, several suites, two paragraphs", () => {
    const text = [
      "Types: deb",
      "# http://snapshot.example/archive",
      "URIs: http://a.example/debian",
      "Suites: bookworm bookworm-updates",
      "Components: main",
      "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg",
      "",
      "Types: deb deb-src",
      "URIs: http://a.example/debian-security",
      "Suites: bookworm-security",
      "Components: main contrib",
      "",
    ].join("\n");
    expect(parseParagraphs(text)).toEqual([
      { uri: "http://a.example/debian", suite: "bookworm", components: ["main"] },
      { uri: "http://a.example/debian", suite: "bookworm-updates", components: ["main"] },
      { uri: "http://a.example/debian-security", suite: "bookworm-security", components: ["main", "contrib"] },
    ]);
  });

  test.each([
    ["a disabled paragraph", "Types: deb\nEnabled: no\nURIs: http://a.example\nSuites: s\nComponents: main\n"],
    ["source packages only", "Types: deb-src\nURIs: http://a.example\nSuites: s\nComponents: main\n"],
    ["nothing", ""],
  ])("%s gives no source", (_, text) => {
    expect(parseParagraphs(text)).toEqual([]);
  });

  test("a value on several lines, and an inline key", () => {
    const text =
      "Types: deb\nURIs: http://a.example\n http://b.example\nSuites: s\nComponents: main\nSigned-By:\n -----BEGIN-----\n .\n x\n";
    expect(parseParagraphs(text).map(({ uri }) => uri)).toEqual(["http://a.example", "http://b.example"]);
  });
});

describe("chooseMirrors", () => {
  const source = (uri: string, suite: string, ...components: string[]) => ({ uri, suite, components });
  const debian = [
    source("http://a.example/debian/", "bookworm", "main"),
    source("http://a.example/debian/", "bookworm-updates", "main"),
    source("http://a.example/debian-security", "bookworm-security", "main"),
  ];
  const wanted = { main: "http://a.example/debian", security: "http://a.example/debian-security" };

  test.each([
    ["the machine's own", debian, "bookworm", wanted],
    [
      "a third party's archive with the same suite first",
      [source("https://v.example/apt", "bookworm", "main"), ...debian],
      "bookworm",
      wanted,
    ],
    ["an archive without main", [source("https://d.example", "bookworm", "stable")], "bookworm", undefined],
    ["a CD only", [source("cdrom:[x]/", "bookworm", "main")], "bookworm", undefined],
    ["another release's archive", debian, "trixie", undefined],
    ["no security archive", debian.slice(0, 2), "bookworm", undefined],
  ])("%s", (_, sources, codename, expected) => {
    expect(chooseMirrors(sources, codename)).toEqual(expected);
  });

  test("their lines name main, updates and security", () => {
    expect(sourceLines(wanted, "bookworm")).toEqual([
      "deb http://a.example/debian bookworm main",
      "deb http://a.example/debian bookworm-updates main",
      "deb http://a.example/debian-security bookworm-security main",
    ]);
  });
});

test.each([
  ["deb http://a.example/debian bookworm main", "deb http://a.example/debian bookworm main"],
  ["deb https://a.example/debian bookworm main", "deb http://HTTPS///a.example/debian bookworm main"],
  ["deb [arch=amd64] https://a.example/d s main", "deb [arch=amd64] http://HTTPS///a.example/d s main"],
])("throughProxy(%o)", (line, expected) => {
  expect(throughProxy(`${line}\n${line}\n`)).toBe(`${expected}\n${expected}\n`);
});

test.each([
  ["", {}, { checks: [], proxy: undefined }],
  ['Acquire::Check-Date "false";', {}, { checks: ['Acquire::Check-Date "false";'], proxy: undefined }],
  [
    'Acquire::http::Proxy "http://p.example:8080";',
    { http_proxy: "http://e.example" },
    { checks: [], proxy: "http://p.example:8080" },
  ],
  ['Acquire::http::Proxy "DIRECT";', { http_proxy: "http://e.example" }, { checks: [], proxy: undefined }],
  ["", { http_proxy: "http://e.example" }, { checks: [], proxy: "http://e.example" }],
])("parseAptAccess(%o, %o)", (dump, env, expected) => {
  expect(parseAptAccess(dump, env)).toEqual(expected);
});
