import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as pulumi from "@pulumi/pulumi";
import { beforeAll, expect, test } from "vitest";
import { HostResource } from "../../../infra/provider/resource.ts";

interface NoteArgs {
  note: string;
  tags?: string[];
}

class Note extends HostResource<NoteArgs> {
  declare readonly length: pulumi.Output<number>;
  constructor(name: string, args: { note: pulumi.Input<string>; tags?: pulumi.Input<pulumi.Input<string>[]> }) {
    super("onprem:test:Note", name, args, ["length"]);
  }
}

const registered: { type: string; name: string; inputs: Record<string, unknown> }[] = [];

beforeAll(() =>
  pulumi.runtime.setMocks({
    newResource({ type, name, inputs }) {
      registered.push({ type, name, inputs });
      return { id: "a", state: { ...inputs, length: 5 } };
    },
    call: ({ inputs }) => inputs,
  }),
);

test("a class registers its type and arguments, and has the outputs that the host adds", async () => {
  const note = new Note("mine", { note: pulumi.output("a"), tags: [pulumi.output("x")] });
  expect(await new Promise((resolve) => note.length.apply(resolve))).toBe(5);
  expect(registered).toEqual([{ type: "onprem:test:Note", name: "mine", inputs: { note: "a", tags: ["x"] } }]);
});

test("the plugin loads kinds without the SDK, which costs half a second", async () => {
  const kinds = new URL("../../../infra/provider/kinds.ts", import.meta.url);
  const script = `
    const { createRequire } = await import("node:module");
    await import(${JSON.stringify(kinds.href)});
    const loaded = Object.keys(createRequire(import.meta.url).cache).filter((path) => path.includes("/@pulumi/pulumi/"));
    console.log(JSON.stringify(loaded));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script],
    { env: { ...process.env, ONPREM_PLUGIN: "1" }, cwd: new URL("../../..", import.meta.url) },
  );
  expect(JSON.parse(stdout)).toEqual([]);
});

test("a program's errors say where they were made, in Node's own words and at its own length", async () => {
  const script = `
    Error.prepareStackTrace = () => "mapped";
    Error.stackTraceLimit = 100;
    await import(${JSON.stringify(new URL("../../../infra/provider/resource.ts", import.meta.url).href)});
    console.log(JSON.stringify([Error.stackTraceLimit, new Error("x").stack.split("\\n").slice(0, 2)]));`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", script],
    { cwd: new URL("../../..", import.meta.url) },
  );
  expect(JSON.parse(stdout)).toEqual([10, ["Error: x", expect.stringMatching(/^ {4}at file:.*:\d+:\d+$/)]]);
});
