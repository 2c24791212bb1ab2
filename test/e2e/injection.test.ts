import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SshHost } from "../../infra/provider/host/ssh-host.ts";
import type { AnyKind } from "../../infra/provider/kind.ts";
import { allKinds } from "../../infra/provider/kinds.ts";
import { Problems } from "../../infra/provider/problems.ts";
import { directory } from "../../infra/provider/resources/directory.ts";
import { file } from "../../infra/provider/resources/file.ts";
import { fileTree } from "../../infra/provider/resources/file-tree.ts";
import { lab, machine, within } from "./on-lab.ts";
import { labHost, Managed } from "./resources/lifecycle.ts";

const server = machine("prod");
const root = "/srv/onprem-injection";
let host: SshHost;

beforeAll(async () => {
  host = await labHost(lab(), "prod", "deploy");
  await within(server, `rm -rf ${root} /owned /tmp/owned; mkdir ${root}`);
});
afterAll(async () => {
  await host.close();
  await within(server, `rm -rf ${root}`);
});

/** What a shell, sudo, chown or sed would trip over. */
const hooks = [
  "$(touch /tmp/owned)",
  "`touch /tmp/owned`",
  "; touch /tmp/owned;",
  "| tee /tmp/owned",
  "> /tmp/owned",
  "-rf",
  "--help",
  "'",
  '"',
  "\n",
  "\\",
  "*",
  "~root",
  // biome-ignore lint/suspicious/noTemplateCurlyInString: a shell's own field separator
  "${IFS}",
  "%s%n",
  "\u0001",
  "æøå",
  "🦀",
  "\u202e",
  " ",
  "#",
  "!",
  "&",
  "{}",
];
const hostile = fc
  .array(fc.oneof(fc.constantFrom(...hooks), fc.string({ unit: "binary", maxLength: 8 })), {
    minLength: 1,
    maxLength: 6,
  })
  .map((parts) =>
    parts
      .join("")
      .replaceAll("\0", "")
      .replace(/[\ud800-\udfff]/gu, ""),
  );
const name = hostile
  .map((text) => text.replaceAll("/", "∕"))
  .filter((text) => text !== "" && text !== "." && text !== ".." && Buffer.byteLength(text) <= 180);
const bounded = { numRuns: 25, interruptAfterTimeLimit: 100_000 };

const owned = () => within(server, "ls -d /tmp/owned /owned ~root/owned ~deploy/owned 2>/dev/null || true");
const listed = async () =>
  JSON.parse(
    await within(
      server,
      `perl -MJSON::PP -e 'opendir(my $d, "${root}"); print JSON::PP->new->ascii->encode([map { utf8::decode($_); $_ } sort grep { !/^\\.\\.?$/ } readdir($d)])'`,
    ),
  ) as string[];

describe("what is made of shell words, newlines, dashes and unicode does nothing but what it says", () => {
  test("a file's name and content", async () => {
    await fc.assert(
      fc.asyncProperty(name, hostile, async (leaf, content) => {
        const managed = new Managed(file, host);
        await managed.apply({ path: `${root}/${leaf}`, content });
        expect(await managed.apply({ path: `${root}/${leaf}`, content })).toEqual([]);
        expect(await listed()).toEqual([leaf]);
        expect(managed.seen.content).toBe(content);
        await managed.apply({ path: `${root}/${leaf}`, content: `${content}!`, mode: "0600" });
        await managed.destroy();
        expect(await listed()).toEqual([]);
      }),
      bounded,
    );
    expect(await owned()).toBe("");
  });

  test("a directory's name", async () => {
    await fc.assert(
      fc.asyncProperty(name, async (leaf) => {
        const managed = new Managed(directory, host);
        await managed.apply({ path: `${root}/${leaf}`, mode: "0700" });
        expect(await listed()).toEqual([leaf]);
        await managed.destroy();
        expect(await listed()).toEqual([]);
      }),
      bounded,
    );
    expect(await owned()).toBe("");
  });

  test("the names and contents of a tree's files", async () => {
    await fc.assert(
      fc.asyncProperty(fc.dictionary(name, hostile, { minKeys: 1, maxKeys: 5 }), async (texts) => {
        const files = Object.fromEntries(Object.entries(texts).map(([leaf, content]) => [leaf, { content }]));
        const managed = new Managed(fileTree as AnyKind, host);
        await managed.apply({ path: `${root}/tree`, files, purge: ["**"] });
        expect(await managed.apply({ path: `${root}/tree`, files, purge: ["**"] })).toEqual([]);
        const seen = await host.inspect(`${root}/tree`, { recursive: true, content: 10_000 });
        const found = seen
          .filter(({ type }) => type === "file")
          .map(({ path, content }) => [path.slice(root.length + 6), Buffer.from(content ?? []).toString()]);
        expect(Object.fromEntries(found)).toEqual(texts);
        await managed.destroy();
        expect(await listed()).toEqual([]);
      }),
      bounded,
    );
    expect(await owned()).toBe("");
  });
});

/** Names stand in other programs' files and options. Those programs take no such words, so neither do we. */
test("words that are no names are refused, by every kind that takes a name", async () => {
  const named = (await allKinds()).filter((kind) => kind.identity.includes("name"));
  const words = hostile.filter((word) => !/^[\w@.:\\-]*$/.test(word) || word.startsWith("-"));
  for (const kind of named) {
    fc.assert(
      fc.property(words, (name) => {
        const problems = new Problems();
        kind.check({ name }, problems);
        expect(problems.found.map(({ property }) => property)).toContain("name");
      }),
      { numRuns: 200 },
    );
  }
  expect(named.length).toBeGreaterThan(0);
});
