import type { AnyKind } from "../../infra/provider/kind.ts";
import { block, code, table } from "./markdown.ts";
import type { DocumentedClass, Property, Sources } from "./sources.ts";

const head = `# Resources

Written by \`npm run docs\` from the comments in \`infra/\`; do not edit. Every argument may also be an output of another resource.
What \`pulumi import\` takes as the id stands with each resource; the command is
\`npm run pulumi -- import --provider server=URN_OF_THE_PROVIDER TYPE NAME ID\`. An engine that set-up built from Go modules cannot
write the program's part of an import, so it is called with \`--generate-code=false\`; who calls such a \`pulumi\` by its name says that too.`;

/** The page about everything that a program can make: components, the provider, and a section for each kind. */
export function resourcesPage(kinds: readonly AnyKind[], sources: Sources, components: Sources): string {
  const sorted = [...kinds].sort((a, b) => (a.type < b.type ? -1 : 1));
  return `${[
    head,
    "## Components",
    ...[...components.classes.values()].map((documented) => componentSection(documented, components)),
    "## The provider",
    providerSection(sources),
    "## On a host",
    ...sorted.map((kind) => kindSection(kind, sources)),
  ].join("\n\n")}\n`;
}

/** The class of a kind: the last word of its type. */
export function classOf(kind: AnyKind, { classes }: Sources): DocumentedClass {
  const name = kind.type.split(":")[2] ?? "";
  const found = classes.get(name);
  if (found === undefined) throw new Error(`${kind.type} has no class ${name} in infra/provider/resources`);
  return found;
}

/** The arguments of a class, by their interface's name. */
export function argsOf(name: string, { interfaces }: Sources): readonly Property[] {
  return interfaces.get(`${name}Args`) ?? [];
}

function componentSection(documented: DocumentedClass, sources: Sources): string {
  return section(documented, sources, []);
}

function providerSection(sources: Sources): string {
  const documented = sources.classes.get("Provider");
  if (documented === undefined) throw new Error("there is no class Provider in infra/provider/resources");
  return section(documented, sources, []);
}

function kindSection(kind: AnyKind, sources: Sources): string {
  const documented = classOf(kind, sources);
  return section(documented, sources, [`Type ${code(kind.type)}. ${importLine(kind, documented)}`]);
}

/** What `pulumi import` takes as the id. */
export function importLine(kind: AnyKind, { importId }: DocumentedClass): string {
  if (importId !== undefined) return `Import id: ${importId}`;
  if (kind.id !== undefined) throw new Error(`${kind.type} makes its id itself: its class needs an @importId`);
  const names = kind.identity.map(code);
  return `Import id: the value of ${names.join(" and ")}${names.length > 1 ? ", joined by a comma" : ""}.`;
}

function section(documented: DocumentedClass, sources: Sources, facts: readonly string[]): string {
  const args = argsOf(documented.name, sources);
  const names = new Set(args.map(({ name }) => name));
  const outputs = documented.outputs.filter(({ name }) => !names.has(name));
  return [
    `### ${documented.name}`,
    documented.text,
    ...facts,
    ...documented.examples.map(block),
    ...(args.length === 0 ? [] : [argumentsTable(args)]),
    ...(outputs.length === 0 ? [] : ["Outputs, besides the arguments:", outputsTable(outputs)]),
    ...parts(args, sources, argumentsTable),
    ...parts(outputs, sources, outputsTable),
  ].join("\n\n");
}

function argumentsTable(args: readonly Property[]): string {
  const rows = args.map(({ name, type, optional, text, default: fallback }) => [
    optional ? code(name) : `**${code(name)}**`,
    code(type),
    text,
    fallback === undefined ? (optional ? "" : "required") : fallback.startsWith("the ") ? fallback : code(fallback),
  ]);
  return table(["Argument", "Type", "What", "Default"], rows);
}

function outputsTable(outputs: readonly Property[]): string {
  const rows = outputs.map(({ name, type, optional, text }) => [
    code(name),
    code(optional ? `${type} | undefined` : type),
    text,
  ]);
  return table(["Output", "Type", "What"], rows);
}

/** The interfaces that properties are made of, each once, at any depth. */
function parts(
  properties: readonly Property[],
  { interfaces }: Sources,
  describe: (inner: readonly Property[]) => string,
): string[] {
  const found = new Map<string, readonly Property[]>();
  const visit = (mentions: readonly string[]) => {
    for (const name of mentions.filter((mentioned) => !found.has(mentioned))) {
      const inner = interfaces.get(name) ?? [];
      found.set(name, inner);
      for (const property of inner) visit(property.mentions);
    }
  };
  for (const property of properties) visit(property.mentions);
  return [...found].flatMap(([name, inner]) => [`#### ${name}`, describe(inner)]);
}
