import { describe, expect, test } from "vitest";
import { begin, begunAt, findBegun, forget } from "../../../infra/provider/begun.ts";
import { FakeHost } from "./fake-host.ts";

const urn = "urn:pulumi:dev::os2mo::onprem:linux:User::anna";
const path = begunAt(urn, "anna");

test("the note's name tells stack, project, type and id, and fits into a file's name", () => {
  expect(path).toMatch(/^\/var\/lib\/onprem\/begun\/[0-9a-f]{64}$/);
  expect(begunAt(urn, "bo")).not.toBe(path);
  expect(begunAt(urn.replace("User", "Directory"), "anna")).not.toBe(path);
  expect(begunAt(urn.replace("dev", "prod"), "anna")).not.toBe(path);
});

describe("a note", () => {
  test.each([
    ["none", null, undefined],
    ["with what was remembered", { content: '{"memory":{"made":true}}' }, { memory: { made: true } }],
    ["without", { content: "{}" }, { memory: undefined }],
    ["that cannot be read", { content: '{"memo' }, { memory: undefined }],
    ["that is none", { type: "directory" as const }, undefined],
  ])("%s", async (_, standing, found) => {
    expect(await findBegun(new FakeHost({ paths: { [path]: standing } }), path)).toEqual(found);
  });

  test("carries what is remembered on standard input, for a command line can be read by everybody", () => {
    const { argv, stdin } = begin(path, { before: "theirs" });
    expect(stdin).toBe('{"memory":{"before":"theirs"}}');
    expect(argv.slice(0, 2)).toEqual(["sh", "-euc"]);
    expect(argv.slice(3)).toEqual(["sh", path]);
    expect(begin(path, undefined).stdin).toBe("{}");
    expect(forget(path).argv.slice(3)).toEqual(["sh", path]);
  });
});
