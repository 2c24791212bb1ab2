import { expect, test } from "vitest";
import { type BuildState, describeBuild, readBuildLine } from "../../../scripts/engine/build-progress.ts";

const nothing: BuildState = { modules: 0, packages: 0, compiled: 0 };
const listed: BuildState = { modules: 3, packages: 2000, compiled: 0 };

test.each([
  { line: "go: downloading gopkg.in/warnings.v0 v0.1.2", state: { ...listed, modules: 4 } },
  { line: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", state: { ...listed, compiled: 1 } },
  { line: "fmt", state: { ...listed, compiled: 1 } },
  { line: "golang.org/x/text/internal/number", state: { ...listed, compiled: 1 } },
  { line: "# github.com/x/y", state: listed },
  { line: "warning: something else", state: listed },
])("$line is read", ({ line, state }) => {
  expect(readBuildLine(listed, line)).toEqual(state);
});

test("no more packages are counted than there are, so that what remains is never negative", () => {
  expect(readBuildLine({ ...listed, compiled: 2000 }, "fmt").compiled).toBe(2000);
});

test.each([
  { state: nothing, elapsed: 2, says: "building the engine: reading the list of its Go modules, 2 s so far" },
  {
    state: { ...nothing, modules: 7 },
    elapsed: 61,
    says: "building the engine: 7 Go modules downloaded, 1 min 01 s so far",
  },
  {
    state: { ...listed, compiled: 10 },
    elapsed: 40,
    says: "building the engine: 10 of at most 2000 packages, 40 s so far, at most 8 min 20 s remain",
  },
  {
    state: { ...listed, compiled: 500 },
    elapsed: 100,
    says: "building the engine: 500 of at most 2000 packages, 1 min 40 s so far, at most 5 min 00 s remain",
  },
  { state: { ...listed, compiled: 2000 }, elapsed: 400, says: "building the engine: linking, 6 min 40 s so far" },
])("$says", ({ state, elapsed, says }) => {
  expect(describeBuild(state, elapsed)).toBe(says);
});
