import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";

const folder = join(projectFolder, "scripts");
const scripts = readdirSync(folder).filter(
  (file) => file.endsWith(".ts") && readFileSync(join(folder, file), "utf8").includes("\nawait runMain("),
);
const run = (file: string, ...args: string[]) =>
  finish([process.execPath, join(folder, file), ...args], { timeout: 60 });

test("the scripts are those that package.json and .ci call", () => {
  expect(scripts).toEqual([
    "bench.ts",
    "check.ts",
    "ci.ts",
    "documents.ts",
    "env.ts",
    "faults.ts",
    "lab.ts",
    "pulumi.ts",
    "renew.ts",
    "setup.ts",
    "start.ts",
    "test.ts",
    "trust.ts",
    "verify.ts",
    "write-docs.ts",
  ]);
});

// pulumi.ts hands all its words to the engine, which has a --help of its own.
test.each(scripts.filter((file) => file !== "pulumi.ts"))(
  "%s --help says what it does, and does nothing",
  async (file) => {
    const { code, stdout, stderr } = await run(file, "--help");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^Usage: (npm |eval |node )/);
  },
  60_000,
);

test.each([
  ["start.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["start.ts", ["extra"], "Unexpected argument 'extra'"],
  ["start.ts", ["--name"], "Option '--name <value>' argument missing"],
  ["setup.ts", ["extra"], "Unexpected argument 'extra'"],
  ["env.ts", ["extra"], "Unexpected argument 'extra'"],
  ["check.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["write-docs.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["bench.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["faults.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["faults.ts", ["--moments", "many"], '--moments is a whole number from 1 up, not "many"'],
  ["lab.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["lab.ts", ["bogus"], '"bogus" is not a command of the lab'],
  ["renew.ts", ["--bogus"], "Unknown option '--bogus'"],
  ["renew.ts", [], "no stack's file has https.acme; name one"],
  ["trust.ts", [], "name one stack"],
  ["verify.ts", [], "say what to verify: network or dns"],
  ["verify.ts", ["mail", "prod"], 'say what to verify: network or dns, not "mail"'],
  ["verify.ts", ["network", "prod", "--watch"], "--watch goes with dns"],
  ["verify.ts", ["dns", "prod", "--every", "0"], "--every takes 1 to 3600 seconds"],
  ["verify.ts", ["network"], "name one stack"],
  ["ci.ts", ["bogus"], "ci needs a command"],
] as const)(
  "%s %j: one sentence, the usage, exit code 2",
  async (file, args, sentence) => {
    const { code, stdout, stderr } = await run(file, ...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/\n\nUsage: /);
    expect(stderr.split("\n\n")[0]).toBe(sentence);
  },
  60_000,
);
