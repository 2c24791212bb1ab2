import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { looks, pagePolicy, pageText } from "../../../infra/components/front-page.ts";
import { environments } from "../../../infra/settings.ts";

const page = (environment: (typeof environments)[number], customer = "Nærum Kommune") =>
  pageText({ customer, environment, hostname: "os2mo-test.naerum.dk" });

test("the page of the test environment, whole but for its style and icon", () => {
  const text = page("test")
    .replace(/<style>[\s\S]*<\/style>/, "<style></style>")
    .replace(/data:image[^"]*/, "data:");
  expect(text).toBe(`<!doctype html>
<html lang="da">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="theme-color" content="#ffb81c">
<title>Test – OS2mo – Nærum Kommune</title>
<link rel="icon" href="data:">
<style></style>
</head>
<body class="test">
<header>
<p>OS2mo · Nærum Kommune</p>
<h1>Test</h1>
<p class="host">os2mo-test<wbr>.naerum<wbr>.dk</p>
</header>
<main>
<section>
<h2>OS2mo er ikke sat op endnu</h2>
<p>Dette er testmiljøet for Nærum Kommune. Det er ikke produktion. Miljøets farve er gul.</p>
<p>Serveren svarer, og forbindelsen er krypteret. Når OS2mo er sat op, vises det her i stedet for denne side.</p>
</section>
<section lang="en">
<h2>OS2mo is not set up yet</h2>
<p>This is the test environment of Nærum Kommune. It is not production. Its colour is amber.</p>
<p>The server answers, and the connection is encrypted. Once OS2mo is set up, it will be here instead of this page.</p>
</section>
<ul>
<li><i class="development"></i>grøn: udvikling <span lang="en">(green: development)</span></li>
<li><i class="test"></i>gul: test <span lang="en">(amber: test)</span> <strong>← her <span lang="en">(here)</span></strong></li>
<li><i class="production"></i>rød: produktion <span lang="en">(red: production)</span></li>
</ul>
</main>
</body>
</html>
`);
});

test.each([
  { environment: "development", title: "Udvikling / Development – OS2mo – Nærum Kommune", letter: "U" },
  { environment: "test", title: "Test – OS2mo – Nærum Kommune", letter: "T" },
  { environment: "production", title: "Produktion / Production – OS2mo – Nærum Kommune", letter: "P" },
] as const)("a tab tells $environment from the others by words, and by a letter", ({ environment, title, letter }) => {
  const text = page(environment);
  expect(/<title>(.*)<\/title>/.exec(text)?.[1]).toBe(title);
  expect(decodeURIComponent(/href="data:image\/svg\+xml,([^"]*)"/.exec(text)?.[1] ?? "")).toContain(
    `>${letter}</text>`,
  );
});

test.each(environments)("the words of %s stand out from its colour: WCAG AA, 4.5 to 1", (environment) => {
  const { background, foreground } = looks[environment];
  const [darker = 0, lighter = 0] = [luminance(background), luminance(foreground)].sort((a, b) => a - b);
  expect((lighter + 0.05) / (darker + 0.05)).toBeGreaterThan(4.5);
});

test("the three differ in colour, and in the words for it", () => {
  const of = (pick: (look: (typeof looks)["test"]) => string) => new Set(Object.values(looks).map(pick)).size;
  expect([of((look) => look.background), of((look) => look.danish.colour), of((look) => look.english.colour)]).toEqual([
    3, 3, 3,
  ]);
});

test.each(environments)(
  "the page of %s asks for nothing else, and its policy allows its style and no more",
  (environment) => {
    const text = page(environment);
    expect(text).not.toMatch(/<script|@import|url\(|src=|https?:/);
    const style = /<style>([\s\S]*)<\/style>/.exec(text)?.[1] ?? "";
    const hash = createHash("sha256").update(style).digest("base64");
    expect(pagePolicy).toBe(
      `default-src 'none'; style-src 'sha256-${hash}'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    expect(text).not.toContain(" style=");
  },
);

test("a name is text, whatever it holds", () => {
  const text = page("production", `<b>"A" & 'B'</b>`);
  expect(text).not.toContain("<b>");
  expect(text).toContain("<p>OS2mo · &lt;b&gt;&quot;A&quot; &amp; &#39;B&#39;&lt;/b&gt;</p>");
});

/** Relative luminance, WCAG 2.2. */
function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
