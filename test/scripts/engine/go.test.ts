import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkGo, findGo, goProblem } from "../../../scripts/engine/go.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-go-"));
});
afterEach(() => rm(folder, { recursive: true }));

test.each([
  { version: "go1.26.8", toolchain: "local", problem: undefined },
  { version: "go1.25.11", toolchain: "auto", problem: undefined },
  { version: "go1.22.1", toolchain: "auto", problem: undefined },
  {
    version: "go1.22.1",
    toolchain: "local",
    problem: "the Go on this machine is 1.22.1, and 1.25.11 or newer is needed",
  },
  { version: "go1.19.8", toolchain: "", problem: "the Go on this machine is 1.19.8, and 1.25.11 or newer is needed" },
])("$version with GOTOOLCHAIN=$toolchain", ({ version, toolchain, problem }) => {
  expect(goProblem(version, toolchain)).toBe(problem);
});

test("a Go outside PATH is found in the usual folders, and one on PATH comes first", async () => {
  await writeFile(join(folder, "go"), "#!/bin/sh\n", { mode: 0o755 });
  expect(findGo({ PATH: "/nowhere" }, ["/nowhere", folder])).toBe(join(folder, "go"));
  expect(findGo({ PATH: folder }, ["/nowhere"])).toBe(join(folder, "go"));
  expect(findGo({ PATH: "/nowhere" }, ["/nowhere"])).toBeUndefined();
});

test("a Go is asked for its version", async () => {
  const program = join(folder, "go");
  await writeFile(program, "#!/bin/sh\nprintf 'go1.27.0\\nauto\\n'\n", { mode: 0o755 });
  expect(await checkGo(program, process.env)).toEqual({ program, version: "go1.27.0" });
  await writeFile(program, "#!/bin/sh\nexit 3\n", { mode: 0o755 });
  expect(await checkGo(program, process.env)).toBe(`${program} does not run (exit 3)`);
});
