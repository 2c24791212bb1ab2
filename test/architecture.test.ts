import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { projectFolder } from "../scripts/engine/environment.ts";
import { importsOf } from "./architecture/imports.ts";
import { violations } from "./architecture/rooms.ts";

function sources(): Map<string, string> {
  const files = ["infra", "lab", "scripts"].flatMap((folder) =>
    readdirSync(join(projectFolder, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(ts|mjs)$/.test(name))
      .map((name) => `${folder}/${name}`),
  );
  return new Map(files.map((file) => [file, readFileSync(join(projectFolder, file), "utf8")]));
}

test("dependencies point one way: index -> components -> resources -> kind, and adapter -> resources, host", () => {
  const read = sources();
  expect(read.has("infra/provider/adapter.ts")).toBe(true);
  expect(violations(read)).toEqual([]);
});

describe("a violation is found", () => {
  test.each([
    {
      file: "infra/provider/resources/file.ts",
      text: 'import { connect } from "../host/ssh-host.ts";',
      found: "infra/provider/resources/file.ts:1 imports ../host/ssh-host.ts: resources may not import host",
    },
    {
      file: "infra/provider/lifecycle.ts",
      text: 'import type { Settings } from "../settings.ts";',
      found: "infra/provider/lifecycle.ts:1 imports ../settings.ts: kind may not import settings",
    },
    {
      file: "infra/components/server.ts",
      text: '\nexport * from "../provider/adapter.ts";',
      found: "infra/components/server.ts:2 imports ../provider/adapter.ts: components may not import serving",
    },
    {
      file: "infra/index.ts",
      text: 'const lab = await import("../lab/lab.ts");',
      found: "infra/index.ts:1 imports ../lab/lab.ts: program may not import lab",
    },
    {
      file: "scripts/trust.ts",
      text: 'import { Client } from "ssh2";',
      found: "scripts/trust.ts:1 imports ssh2: only host/ talks to a host",
    },
    {
      file: "infra/provider/plugin.ts",
      text: 'const pb = createRequire(import.meta.url)("@pulumi/pulumi/proto/provider_pb.js");',
      found:
        "infra/provider/plugin.ts:1 imports @pulumi/pulumi/proto/provider_pb.js: only adapter.ts knows the protocol",
    },
    {
      file: "infra/odds/ends.ts",
      text: 'import "./x.ts";',
      found: "infra/odds/ends.ts:1 imports ./x.ts: it is in no room that test/architecture/rooms.ts knows",
    },
  ])("$found", ({ file, text, found }) => {
    expect(violations(new Map([[file, text]]))).toEqual([found]);
  });
});

test("imports are read in all their forms, and not from comments or texts", () => {
  const text = `// import "comment";
    import "a"; import type { B } from "b"; import c from 'c'; export { d } from "d"; export * as e from "e";
    const f = await import("f"); type G = import("g").G; const h = require("h"); const i = createRequire(x)("i");
    const text = 'import "not"'; export const j = 1; require(variable);`;
  expect(importsOf("any.ts", text).map(({ specifier }) => specifier)).toEqual([..."abcdefghi"]);
});
