import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findNode, refuseOldNode, refusePlatform } from "../../../scripts/launch/runtime.mjs";

let binaries: string;
beforeEach(async () => {
  binaries = await mkdtemp(join(tmpdir(), "onprem-bin-"));
});
afterEach(() => rm(binaries, { recursive: true }));

const user = (node: string) => ({ execPath: "/usr/bin/node", versions: { node }, platform: "linux", arch: "riscv64" });

test("the project's own Node comes first, if it runs here", async () => {
  const own = join(binaries, "node");
  await writeFile(own, "#!/bin/sh\n", { mode: 0o755 });
  expect(findNode(binaries, user("24.1.0"))).toBe(own);
  await writeFile(own, "#!/bin/sh\nexit 127\n");
  expect(findNode(binaries, user("24.1.0"))).toBe("/usr/bin/node");
});

test("a platform without one needs a user's Node that is new enough", () => {
  expect(findNode(binaries, user("26.0.0"))).toBe("/usr/bin/node");
  expect(() => findNode(binaries, user("22.22.0"))).toThrow(
    [
      "there is no Node 24 to run the scripts with",
      "  npm has one for glibc Linux on x64 and arm64; this is linux on riscv64 with Node 22.22.0",
      "  install Node 24 or newer, then run the same command again",
    ].join("\n"),
  );
});

test("a Node that is too old to start, and Windows, get one clear answer", () => {
  expect(() => refuseOldNode("18.20.4")).toThrow(/^Node 18\.20\.4 is too old\n/);
  expect(() => refuseOldNode("20.0.0")).not.toThrow();
  expect(() => refusePlatform("win32")).toThrow(/^this project does not run on win32\n/);
  expect(() => refusePlatform("linux")).not.toThrow();
});
