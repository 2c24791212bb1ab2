import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

/** One documented property of an interface or a class. */
export interface Property {
  readonly name: string;
  /** TypeScript, on one line, with the names of aliases replaced by what they stand for. */
  readonly type: string;
  readonly optional: boolean;
  readonly text: string;
  /** The text of `@default`. */
  readonly default?: string;
  /** Names of documented interfaces that the type mentions. */
  readonly mentions: readonly string[];
}

/** A class that a program uses: a resource or a component. */
export interface DocumentedClass {
  readonly name: string;
  readonly text: string;
  readonly examples: readonly string[];
  /** Public read-only properties that the class declares. */
  readonly outputs: readonly Property[];
  /** The text of `@importId`: what `pulumi import` is given, where the identity does not say it. */
  readonly importId?: string;
}

/** Every exported class and every interface of some folders, by name. */
export interface Sources {
  readonly classes: ReadonlyMap<string, DocumentedClass>;
  readonly interfaces: ReadonlyMap<string, readonly Property[]>;
}

/** Reads the declarations with their doc comments; nothing is run. */
export function readSources(folders: readonly string[]): Sources {
  const files = folders.flatMap((folder) =>
    readdirSync(folder)
      .filter((name) => name.endsWith(".ts"))
      .sort()
      .map((name) => join(folder, name)),
  );
  return sourcesOf(files.map((file) => [file, readFileSync(file, "utf8")] as const));
}

/** The same for texts by file name. */
export function sourcesOf(texts: readonly (readonly [file: string, text: string])[]): Sources {
  const statements = texts.flatMap(([file, text]) => [
    ...ts.createSourceFile(file, text, ts.ScriptTarget.ESNext, true).statements,
  ]);
  const declared = statements.filter(ts.isInterfaceDeclaration);
  const known: Known = {
    interfaces: new Map(declared.map((node) => [node.name.text, node])),
    aliases: new Map(statements.filter(ts.isTypeAliasDeclaration).map((node) => [node.name.text, node])),
  };
  return {
    classes: new Map(
      statements
        .filter(ts.isClassDeclaration)
        .flatMap((node) => (node.name === undefined ? [] : [[node.name.text, classOf(node, node.name.text, known)]])),
    ),
    interfaces: new Map(declared.map((node) => [node.name.text, propertiesOf(node, known)])),
  };
}

interface Known {
  readonly interfaces: ReadonlyMap<string, ts.InterfaceDeclaration>;
  readonly aliases: ReadonlyMap<string, ts.TypeAliasDeclaration>;
}

function classOf(node: ts.ClassDeclaration, name: string, known: Known): DocumentedClass {
  const importId = tag(node, "importId");
  return {
    name,
    text: comment(node),
    examples: ts
      .getJSDocTags(node)
      .filter(({ tagName }) => tagName.text === "example")
      .map((example) => (ts.getTextOfJSDocComment(example.comment) ?? "").trim()),
    outputs: node.members
      .filter(ts.isPropertyDeclaration)
      .filter((member) => !isHidden(member) && member.type !== undefined)
      .map((member) => property(member, unwrapped(member.type as ts.TypeNode), known)),
    ...(importId === undefined ? {} : { importId }),
  };
}

/** Own and inherited properties, in the order in which they are written. */
function propertiesOf(node: ts.InterfaceDeclaration, known: Known): Property[] {
  const inherited = (node.heritageClauses ?? []).flatMap(({ types }) =>
    types.flatMap(({ expression }) => {
      const parent = known.interfaces.get(expression.getText());
      return parent === undefined ? [] : propertiesOf(parent, known);
    }),
  );
  const own = node.members
    .filter(ts.isPropertySignature)
    .map((member) => property(member, member.type as ts.TypeNode, known));
  return [...inherited, ...own];
}

function property(member: ts.PropertySignature | ts.PropertyDeclaration, type: ts.TypeNode, known: Known): Property {
  const fallback = tag(member, "default");
  const text = typeText(type, known);
  return {
    name: member.name.getText(),
    type: text,
    optional: member.questionToken !== undefined,
    text: comment(member),
    ...(fallback === undefined ? {} : { default: fallback }),
    mentions: [...new Set(text.match(/\b[A-Z]\w+\b/g) ?? [])].filter((name) => known.interfaces.has(name)),
  };
}

function typeText(node: ts.TypeNode, known: Known): string {
  const text = node.getText().replace(/\s+/g, " ");
  return text.replace(/\b[A-Z]\w+\b/g, (name) => {
    const alias = known.aliases.get(name);
    return alias === undefined || alias.typeParameters !== undefined ? name : typeText(alias.type, known);
  });
}

/** `Output<T>` is documented as T. */
function unwrapped(node: ts.TypeNode): ts.TypeNode {
  const isOutput = ts.isTypeReferenceNode(node) && /(^|\.)Output$/.test(node.typeName.getText());
  return isOutput ? (node.typeArguments?.[0] ?? node) : node;
}

function isHidden(member: ts.PropertyDeclaration): boolean {
  const hidden = [ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword, ts.SyntaxKind.StaticKeyword];
  return ts.isPrivateIdentifier(member.name) || (member.modifiers ?? []).some(({ kind }) => hidden.includes(kind));
}

function comment(node: ts.Node): string {
  const docs = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return docs
    .map((doc) => ts.getTextOfJSDocComment(doc.comment) ?? "")
    .join("\n")
    .trim();
}

function tag(node: ts.Node, name: string): string | undefined {
  const found = ts.getJSDocTags(node).find(({ tagName }) => tagName.text === name);
  return found === undefined ? undefined : (ts.getTextOfJSDocComment(found.comment) ?? "").trim();
}
