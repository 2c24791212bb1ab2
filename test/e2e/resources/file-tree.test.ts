import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { fileTree } from "../../../infra/provider/resources/file-tree.ts";
import { keptAt } from "../../../infra/provider/resources/kept.ts";
import { lab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const path = "/srv/tree '$(touch owned)' æ";
let host: SshHost;

beforeAll(async () => {
  host = await labHost(lab(), "dev");
});
afterAll(async () => {
  await byHand(host, 'rm -rf -- "$1"', path);
  await host.close();
});

const standing = async () =>
  (await host.inspect(path, { recursive: true })).map((seen) => [seen.path.slice(path.length), seen.type, seen.mode]);

test("a tree goes through its life", async () => {
  const managed = new Managed(fileTree, host);
  const files = { "a.conf": { content: "a\n" }, "conf.d/b.conf": { content: "b\n", mode: "0600" } };
  const given = { path, files, purge: ["conf.d/**"], directoryMode: "2750" } as never;
  expect(await managed.apply(given)).toEqual([
    `make ${path}, ${path}/conf.d`,
    `give ${path}, ${path}/conf.d to root:root`,
    `set mode 2750 on ${path}, ${path}/conf.d`,
    `write ${path}/a.conf`,
    `write ${path}/conf.d/b.conf`,
  ]);
  expect(await managed.apply(given)).toEqual([]);

  await byHand(
    host,
    'cd "$1"; echo x >> a.conf; chmod 0666 conf.d/b.conf; mkdir conf.d/deep; touch conf.d/deep/evil; touch beside; chmod 00777 conf.d',
    path,
  );
  const drifted = await managed.look();
  expect(drifted?.files).toEqual({
    "a.conf": { content: "a\nx\n", owner: "root", group: "root", mode: "0644" },
    "conf.d/b.conf": { content: "b\n", owner: "root", group: "root", mode: "0666" },
    "conf.d/deep": { stranger: "directory" },
    "conf.d/deep/evil": { stranger: "file" },
  });
  expect(await managed.apply(given)).toEqual([
    `remove ${path}/conf.d/deep/evil`,
    `remove ${path}/conf.d/deep`,
    `set mode 2750 on ${path}/conf.d`,
    `write ${path}/a.conf`,
    `set mode 0600 on ${path}/conf.d/b.conf`,
  ]);
  expect(await managed.apply(given)).toEqual([]);

  expect(
    await managed.apply({ path, files: { "a.conf": { content: "a\n" } }, directoryMode: "2750" } as never),
  ).toEqual([`remove ${path}/conf.d/b.conf`, `remove ${path}/conf.d`]);
  expect(await managed.destroy()).toEqual([`remove ${path}/a.conf`, `remove ${path}`]);
  // Somebody else's file stays, and so does the directory that holds it.
  expect(await standing()).toEqual([
    ["", "directory", "2750"],
    ["/beside", "file", "0644"],
  ]);
  await byHand(host, 'rm -- "$1/beside"', path);
  expect(await managed.destroy()).toEqual([`remove ${path}`]);
  expect(await managed.destroy()).toEqual([]);
  expect(await host.inspect("/owned")).toEqual([]);
});

test("what stood there before is refused, or taken over and put back", async () => {
  await byHand(host, 'mkdir -m 0700 -- "$1"; echo theirs > "$1/a.conf"; echo same > "$1/b.conf"', path);
  const managed = new Managed(fileTree, host);
  const files = { "a.conf": { content: "ours\n" }, "b.conf": { content: "same\n" } };
  await expect(managed.apply({ path, files } as never)).rejects.toThrow("adopt: true");
  await managed.apply({ path, files, adopt: true } as never);
  expect(managed.seen.kept).toEqual(["a.conf"]);

  await byHand(host, 'echo theirs > "$1/c.conf"', path);
  const more = { ...files, "c.conf": { content: "ours\n" } };
  await expect(managed.apply({ path, files: more } as never)).rejects.toThrow("adopt: true");
  await managed.apply({ path, files: more, adopt: true } as never);
  expect(managed.seen.kept).toEqual(["a.conf", "c.conf"]);
  expect(await managed.destroy()).toEqual([
    `remove ${path}/b.conf`,
    `put back what stood at ${path}/a.conf`,
    `put back what stood at ${path}/c.conf`,
  ]);
  expect(await managed.destroy()).toEqual([]);
  const theirs = await host.inspect(path, { recursive: true, content: 100 });
  expect(theirs.map((seen) => [seen.mode, Buffer.from(seen.content ?? []).toString()])).toEqual([
    ["0700", ""],
    ["0644", "theirs\n"],
    ["0644", "theirs\n"],
  ]);
  expect(await host.inspect(keptAt(`${path}/a.conf`))).toEqual([]);
  await byHand(host, 'rm -rf -- "$1"', path);
});

test("a file becomes a directory and a directory a file", async () => {
  const managed = new Managed(fileTree, host);
  await managed.apply({ path, files: { a: { content: "" }, "b/c": { content: "" } } } as never);
  await managed.apply({ path, files: { "a/d": { content: "" }, b: { content: "" } } } as never);
  expect((await standing()).map(([name, type]) => [name, type])).toEqual([
    ["", "directory"],
    ["/a", "directory"],
    ["/a/d", "file"],
    ["/b", "file"],
  ]);
  await managed.destroy();
  expect(await standing()).toEqual([]);
});

test("six hundred files are written once, looked at in a second, and only what differs is written again", async () => {
  const managed = new Managed(fileTree, host);
  const files = Object.fromEntries(
    Array.from({ length: 600 }, (_, index) => [`${index % 20}/${index}.conf`, { content: `number ${index}\n` }]),
  );
  const given = { path, files, purge: ["**"] } as never;
  expect(await managed.apply(given)).toHaveLength(603);
  const { bursts } = host.stats;
  const began = performance.now();
  expect(await managed.apply(given)).toEqual([]);
  expect(performance.now() - began).toBeLessThan(1000);
  expect(host.stats.bursts - bursts).toBe(1);
  await byHand(host, 'cd "$1"; echo > 7/7.conf; rm 8/8.conf; touch 9/evil', path);
  expect(await managed.apply(given)).toEqual([
    `remove ${path}/9/evil`,
    `write ${path}/7/7.conf`,
    `write ${path}/8/8.conf`,
  ]);
  await managed.destroy();
  expect(await standing()).toEqual([]);
});

test("names and contents of any kind do nothing but what they say", async () => {
  // `__proto__` never arrives: protobuf's own JavaScript loses such a key of a map.
  const isName = (name: string) => ![".", "..", "__proto__"].includes(name) && !/[/\0]/.test(name);
  const part = fc
    .oneof(
      fc.constantFrom(
        "-rf",
        "--help",
        "$(touch owned)",
        "`touch owned`",
        "a'b\"c",
        "new\nline",
        "{}",
        "*",
        "~",
        "__proto__",
      ),
      fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 }),
    )
    .filter((name) => isName(name) && name.isWellFormed());
  const name = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
  const content = fc.oneof(fc.string({ unit: "grapheme" }), fc.constantFrom("$(touch owned)\n", "'; touch owned; '"));
  const tree = fc
    .dictionary(name, content, { minKeys: 1, maxKeys: 5, noNullPrototype: true })
    .filter(
      (files) => !Object.keys(files).some((one) => Object.keys(files).some((other) => other.startsWith(`${one}/`))),
    );
  await fc.assert(
    fc.asyncProperty(tree, async (texts) => {
      // Whatever an attempt before this one left.
      await byHand(host, 'rm -rf -- "$1"', path);
      const managed = new Managed(fileTree, host);
      const files = Object.fromEntries(Object.entries(texts).map(([name, content]) => [name, { content }]));
      await managed.apply({ path, files, purge: ["**"] } as never);
      expect(await managed.apply({ path, files, purge: ["**"] } as never)).toEqual([]);
      const found = await host.inspect(path, { recursive: true, content: 1000 });
      const written = found.flatMap((seen) =>
        seen.type === "file" ? [[seen.path.slice(path.length + 1), Buffer.from(seen.content ?? []).toString()]] : [],
      );
      expect(new Map(written as [string, string][])).toEqual(new Map(Object.entries(texts)));
      await managed.destroy();
      expect(await standing()).toEqual([]);
    }),
    { numRuns: 40 },
  );
  expect(await host.inspect("/owned")).toEqual([]);
  expect(await host.inspect("/root/owned")).toEqual([]);
});
