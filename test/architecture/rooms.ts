import { dirname, join } from "node:path";
import { importsOf } from "./imports.ts";

/** A part of the project, and which others it may import: docs/architecture.md draws them. */
interface Room {
  /** A file belongs to the room with the longest prefix that its path has. */
  readonly prefixes: readonly string[];
  /** Names of other rooms. */
  readonly may: readonly string[];
}

const rooms: Readonly<Record<string, Room>> = {
  starting: { prefixes: ["infra/compile-cache.mjs"], may: [] },
  program: {
    prefixes: ["infra/index.ts", "infra/program.mjs"],
    may: ["components", "settings", "documents", "plugins", "starting"],
  },
  components: { prefixes: ["infra/components/"], may: ["resources", "settings", "markup"] },
  documents: { prefixes: ["infra/documents/"], may: ["settings", "markup", "names"] },
  markup: { prefixes: ["infra/html.ts"], may: [] },
  settings: { prefixes: ["infra/settings.ts", "infra/settings/"], may: ["kind", "names", "zones"] },
  plugins: { prefixes: ["infra/plugins/"], may: ["host", "contract", "kind", "serving", "starting"] },
  /** The plugin's process: the protocol, and what joins it with the kinds and the hosts. */
  serving: {
    prefixes: [
      ...["adapter", "main", "onprem", "connector", "kinds", "plugin"].map((name) => `infra/provider/${name}.ts`),
      "infra/provider/main.mjs",
    ],
    may: ["resources", "kind", "contract", "host", "issuing", "starting"],
  },
  resources: { prefixes: ["infra/provider/resources/"], may: ["kind", "contract", "names", "zones", "issuing"] },
  /** Questions to name servers, and what the answers mean. */
  names: { prefixes: ["infra/provider/dns/"], may: ["kind", "contract"] },
  /** The vendor's own zone, which is written to. */
  zones: { prefixes: ["infra/provider/zones/"], may: ["kind", "contract", "names"] },
  issuing: { prefixes: ["infra/provider/acme/"], may: ["kind", "contract", "names", "zones"] },
  host: { prefixes: ["infra/provider/host/"], may: ["kind", "contract"] },
  /** What a host can do, how it is known and how it fails, without how it is reached. */
  contract: {
    prefixes: ["host", "errors", "host-key", "settings"].map((name) => `infra/provider/host/${name}.ts`),
    may: ["kind"],
  },
  kind: { prefixes: ["infra/provider/"], may: ["contract"] },
  /** How a program is found and run, of which the lab needs Go. */
  programs: {
    prefixes: [
      ...["command", "script-error"].map((name) => `scripts/${name}.ts`),
      ...["go", "search-path", "versions"].map((name) => `scripts/engine/${name}.ts`),
    ],
    may: [],
  },
  lab: { prefixes: ["lab/"], may: ["programs"] },
  "lab's settings": { prefixes: ["lab/settings.ts"], may: ["lab", "settings"] },
  scripts: {
    prefixes: ["scripts/"],
    may: [
      "starting",
      "programs",
      "lab",
      "lab's settings",
      "settings",
      "documents",
      "plugins",
      "serving",
      "kind",
      "contract",
      "host",
      "resources",
      "names",
      "zones",
    ],
  },
};

/** Packages that few may use. The first match counts; any other package is anybody's. */
const guardedPackages: readonly { readonly name: RegExp; readonly users: RegExp; readonly why: string }[] = [
  { name: /^ssh2(\/|$)/, users: /^infra\/provider\/host\//, why: "only host/ talks to a host" },
  {
    name: /^(@grpc\/|google-protobuf|@pulumi\/pulumi\/proto)/,
    users: /^infra\/provider\/adapter\.ts$/,
    why: "only adapter.ts knows the protocol",
  },
];

/** Source files by path from the project's folder, with `/`. */
export type Sources = ReadonlyMap<string, string>;

/** Every import that points the wrong way, as `file:line imports what: why not`, sorted. */
export function violations(sources: Sources): string[] {
  return [...sources]
    .flatMap(([file, text]) =>
      importsOf(file, text).flatMap(({ specifier, line }) => {
        const problem = specifier.startsWith(".")
          ? problemWithFile(file, join(dirname(file), specifier))
          : problemWithPackage(file, specifier);
        return problem === undefined ? [] : [`${file}:${line} imports ${specifier}: ${problem}`];
      }),
    )
    .sort();
}

function problemWithFile(from: string, to: string): string | undefined {
  const [importer, imported] = [roomOf(from), roomOf(to)];
  if (importer === undefined) return "it is in no room that test/architecture/rooms.ts knows";
  if (imported === undefined) return to === "package.json" ? undefined : `${to} is in no room`;
  if (importer === imported || rooms[importer]?.may.includes(imported)) return undefined;
  return `${importer} may not import ${imported}`;
}

function problemWithPackage(from: string, specifier: string): string | undefined {
  const guard = guardedPackages.find(({ name }) => name.test(specifier));
  return guard === undefined || guard.users.test(from) ? undefined : guard.why;
}

function roomOf(file: string): string | undefined {
  const matches = Object.entries(rooms).flatMap(([name, { prefixes }]) =>
    prefixes.filter((prefix) => file.startsWith(prefix)).map((prefix) => ({ name, length: prefix.length })),
  );
  return matches.sort((a, b) => b.length - a.length)[0]?.name;
}
