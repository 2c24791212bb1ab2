import { createHash } from "node:crypto";
import { escaped } from "../html.ts";
import type { Environment } from "../settings.ts";

/** Whose server it is, and which. */
export interface PageArgs {
  /** Name of the customer. */
  customer: string;
  environment: Environment;
  /** The server's whole name. */
  hostname: string;
}

interface Look {
  readonly danish: { readonly name: string; readonly of: string; readonly colour: string; readonly meaning: string };
  readonly english: { readonly name: string; readonly of: string; readonly colour: string; readonly meaning: string };
  readonly background: string;
  readonly foreground: string;
}

/** How each environment is told from the others: by its name first, and by its colour. */
export const looks: Readonly<Record<Environment, Look>> = {
  development: {
    danish: { name: "Udvikling", of: "udviklingsmiljøet", colour: "grøn", meaning: "Det er ikke produktion." },
    english: {
      name: "Development",
      of: "the development environment",
      colour: "green",
      meaning: "It is not production.",
    },
    background: "#1a6b3a",
    foreground: "#ffffff",
  },
  test: {
    danish: { name: "Test", of: "testmiljøet", colour: "gul", meaning: "Det er ikke produktion." },
    english: { name: "Test", of: "the test environment", colour: "amber", meaning: "It is not production." },
    background: "#ffb81c",
    foreground: "#1b1f24",
  },
  production: {
    danish: {
      name: "Produktion",
      of: "produktionsmiljøet",
      colour: "rød",
      meaning: "Det, der ændres her, gælder i det daglige arbejde.",
    },
    english: {
      name: "Production",
      of: "the production environment",
      colour: "red",
      meaning: "What is changed here counts in everyday work.",
    },
    background: "#a8141c",
    foreground: "#ffffff",
  },
};

/** The page that stands until the application does: one file that asks for nothing else, in Danish and in English. */
export function pageText({ customer, environment, hostname }: PageArgs): string {
  const { danish, english, background } = looks[environment];
  const both = danish.name === english.name ? danish.name : `${danish.name} / ${english.name}`;
  return `<!doctype html>
<html lang="da">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="theme-color" content="${background}">
<title>${escaped(`${both} – OS2mo – ${customer}`)}</title>
<link rel="icon" href="${icon(environment)}">
<style>${pageStyle}</style>
</head>
<body class="${environment}">
<header>
<p>OS2mo · ${escaped(customer)}</p>
<h1>${danish.name}${danish.name === english.name ? "" : ` <span lang="en">${english.name}</span>`}</h1>
<p class="host">${breakable(hostname)}</p>
</header>
<main>
<section>
<h2>OS2mo er ikke sat op endnu</h2>
<p>Dette er ${danish.of} for ${escaped(customer)}. ${danish.meaning} Miljøets farve er ${danish.colour}.</p>
<p>Serveren svarer, og forbindelsen er krypteret. Når OS2mo er sat op, vises det her i stedet for denne side.</p>
</section>
<section lang="en">
<h2>OS2mo is not set up yet</h2>
<p>This is ${english.of} of ${escaped(customer)}. ${english.meaning} Its colour is ${english.colour}.</p>
<p>The server answers, and the connection is encrypted. Once OS2mo is set up, it will be here instead of this page.</p>
</section>
<ul>
${Object.entries(looks)
  .map(([name, look]) => legendItem(name, look, name === environment))
  .join("\n")}
</ul>
</main>
</body>
</html>
`;
}

function legendItem(name: string, { danish, english }: Look, isHere: boolean): string {
  const words = `${danish.colour}: ${danish.name.toLowerCase()}`;
  const theirs = `${english.colour}: ${english.name.toLowerCase()}`;
  const here = isHere ? ` <strong>← her <span lang="en">(here)</span></strong>` : "";
  return `<li><i class="${name}"></i>${words} <span lang="en">(${theirs})</span>${here}</li>`;
}

/** A tab shows the environment too: its first letter on its colour. */
function icon(environment: Environment): string {
  const { danish, background, foreground } = looks[environment];
  const svg =
    `<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 32 32'><rect width='32' height='32' rx='6' fill='${background}'/>` +
    `<text x='16' y='24' font-size='22' font-family='sans-serif' font-weight='700' text-anchor='middle' fill='${foreground}'>${danish.name[0]}</text></svg>`;
  return `data:image/svg+xml,${encodeURIComponent(svg)}`;
}

const colours = Object.entries(looks)
  .map(
    ([name, { background, foreground }]) =>
      `.${name} header, i.${name} { background: ${background}; color: ${foreground}; }`,
  )
  .join("\n");

const pageStyle = `
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; font: 1.0625rem/1.55 "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", Arial, sans-serif; color: #1b1f24; background: #fff; }
header { padding: 2rem max(1.25rem, calc(50% - 23rem)) 1.75rem; }
header p { margin: 0; font-size: 1.125rem; overflow-wrap: anywhere; }
h1 { margin: 0.25rem 0 0.5rem; font-size: clamp(2rem, 9vw, 4rem); line-height: 1.1; letter-spacing: -0.01em; }
h1 span { display: block; margin-top: 0.125em; font-size: 0.5em; font-weight: 400; letter-spacing: 0; }
header .host { font-family: Consolas, "Liberation Mono", monospace; font-size: 1rem; }
main { padding: 1rem max(1.25rem, calc(50% - 23rem)) 2.5rem; }
h2 { margin: 1.25rem 0 0.25rem; font-size: 1.25rem; line-height: 1.3; }
section p { margin: 0 0 0.625rem; overflow-wrap: break-word; text-wrap: pretty; }
ul { list-style: none; margin: 1.75rem 0 0; padding: 1rem 0 0; border-top: 1px solid #6b7885; }
li { position: relative; padding-left: 1.6em; margin: 0 0 0.375rem; }
i { position: absolute; left: 0; top: 0.2em; width: 1.1em; height: 1.1em; border: 1px solid #1b1f24; }
${colours}
@media print { header { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
@media (forced-colors: active) { header { border-bottom: 0.25rem solid; } i { forced-color-adjust: none; } }
`;

/** What the page needs and nothing more (Content-Security-Policy): its own style, known by its hash, and its icon. */
export const pagePolicy = [
  "default-src 'none'",
  `style-src 'sha256-${createHash("sha256").update(pageStyle).digest("base64")}'`,
  "img-src data:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** A long name breaks before its dots. */
function breakable(hostname: string): string {
  return hostname
    .split(/(?=\.)/)
    .map(escaped)
    .join("<wbr>");
}
