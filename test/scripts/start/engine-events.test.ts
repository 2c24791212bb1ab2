import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ended, notBegun, readEvent } from "../../../scripts/start/engine-events.ts";

const fixture = join(import.meta.dirname, "../../fixtures/pulumi/up-json-3.259.0.jsonl");
const lines = readFileSync(fixture, "utf8").trimEnd().split("\n");

test("an update that created, updated, replaced and failed is read from the engine's own events", () => {
  expect(lines.reduce(readEvent, notBegun)).toEqual({
    looked: 6,
    done: 5,
    current: undefined,
    changes: { create: ["File fresh"], update: ["File motd0"], replace: ["File motd1"] },
    differed: [
      { name: "File motd0", paths: ["content"] },
      { name: "File motd1", paths: ["path"] },
    ],
    verified: false,
    errors: [
      'onprem:linux:File "bad": could not write /nowhere/at/all on 198.18.15.11\n  /nowhere/at: No such file or directory',
    ],
    warnings: ["the size is overridden"],
    printed: [],
    outputs: { os: "Debian 12" },
  });
});

test("what is going on right now is the change that was begun last", () => {
  const upTo = lines.findIndex((line) => line.includes('"resourcePreEvent":{"metadata":{"op":"update"'));
  expect(lines.slice(0, upTo + 1).reduce(readEvent, notBegun).current).toBe("File motd0");
});

test.each(["", "warning: something", "Updating (dev)"])("a line that is no event changes nothing: %j", (line) => {
  expect(readEvent(notBegun, line)).toBe(notBegun);
});

test("an update that fails without another word still has an error", () => {
  const failed = '{"diagnosticEvent":{"severity":"error","message":"update failed\\n"}}';
  expect(readEvent(notBegun, failed).errors).toEqual(["update failed"]);
});

test("a language host that ended in the middle is named, with what was written last", () => {
  // What Pulumi 3.259.0 says when its pulumi-language-nodejs is killed.
  const errors = ["error reading from server: EOF"];
  const end = { code: 255, stdout: "", stderr: "" };
  const told = (state: object, ran: object) => ended({ ...notBegun, errors, ...state }, { ...end, ...ran }).errors;
  const begin = "the engine's language host ended before its time (error reading from server: EOF); ";
  const remedy = "\n  What is done stays; run the update again.";
  expect(told({}, {})).toEqual([`${begin}it wrote nothing${remedy}`]);
  const panic = '{"diagnosticEvent":{"severity":"info#err","message":"panic: send on closed channel\\n"}}';
  const state = { ...readEvent(notBegun, panic), errors };
  expect(told(state, { stderr: "exit 2\n" })).toEqual([
    `${begin}the last that was written:\n  panic: send on closed channel\n  exit 2${remedy}`,
  ]);
  expect(told({ errors: ["another"] }, {})).toEqual(["another"]);
  expect(told({}, { code: 0 })).toEqual(errors);
});

test("what differed is told by property paths, in full where the engine knows them", () => {
  const type = "onprem:linux:Sysctl";
  const detailedDiff = { 'values["net.ipv4.tcp_syncookies"]': { diffKind: "update", inputDiff: true } };
  const metadata = { op: "update", urn: `urn:pulumi:dev::p::${type}::network`, type, diffs: ["values"], detailedDiff };
  expect(readEvent(notBegun, JSON.stringify({ resOutputsEvent: { metadata } })).differed).toEqual([
    { name: "Sysctl network", paths: ['values["net.ipv4.tcp_syncookies"]'] },
  ]);
});

test.each([
  { op: "create", verified: true },
  { op: "update", verified: true },
  { op: "replace", verified: true },
  { op: "same", verified: false },
  { op: "delete", verified: false },
  { op: "refresh", verified: false },
])("a verification that is $op: verified $verified", ({ op, verified }) => {
  const type = "command:remote:Command";
  const metadata = { op, urn: `urn:pulumi:dev::p::${type}::server-verification`, type };
  expect(readEvent(notBegun, JSON.stringify({ resOutputsEvent: { metadata } })).verified).toBe(verified);
});
