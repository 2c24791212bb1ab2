import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  compareVersions,
  engineVersion,
  findVersion,
  goVersion,
  languageHostVersion,
} from "../../../scripts/engine/versions.ts";

test.each([
  { a: "3.259.0", b: "3.259.0", sign: 0 },
  { a: "v3.259.0", b: "3.260.0", sign: -1 },
  { a: "3.100.0", b: "3.99.9", sign: 1 },
  { a: "go1.26", b: "1.25.11", sign: 1 },
  { a: "go1.25.2", b: "1.25.11", sign: -1 },
  { a: "3.260.0-alpha.4", b: "3.260.0", sign: 0 },
  { a: "none", b: "0.0.1", sign: -1 },
])("$a against $b: $sign", ({ a, b, sign }) => {
  expect(Math.sign(compareVersions(a, b))).toBe(sign);
});

test.each([
  { text: "v3.259.0\n", found: "3.259.0" },
  { text: "go version go1.26.8 linux/amd64", found: "1.26.8" },
  { text: "warning: a new version is available", found: undefined },
])("the version in $text", ({ text, found }) => {
  expect(findVersion(text)).toBe(found);
});

test.each([
  { module: "cli", wants: `github.com/pulumi/pulumi/pkg/v3 v${engineVersion}` },
  { module: "language-host", wants: `github.com/pulumi/pulumi/sdk/v3 v${languageHostVersion}` },
])(
  "the pinned module $module is of the versions that the scripts name, and its sums are there",
  ({ module, wants }) => {
    const folder = join(import.meta.dirname, "../../../scripts/engine/modules", module);
    const lines = readFileSync(join(folder, "go.mod"), "utf8").split("\n");
    expect(lines).toContain(`require ${wants}`);
    expect(lines).toContain(`go ${goVersion}`);
    expect(readFileSync(join(folder, "go.sum"), "utf8")).toContain(`${wants} h1:`);
  },
);
