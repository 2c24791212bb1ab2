import { expect, test } from "vitest";
import { finish } from "../../../scripts/command.ts";
import { engineEnvironment, projectFolder, shellLines } from "../../../scripts/engine/environment.ts";

test("our Node comes first, then the engine, then the rest; everything else is the caller's", () => {
  const engine = { folder: "/cache/pulumi", version: "3.259.0", from: "PATH", cached: true } as const;
  const given = { PATH: "/bin:/cache/pulumi", PULUMI_HOME: "/home", NODE_COMPILE_CACHE: "/compiled" };
  expect(engineEnvironment(engine, given)).toEqual({
    PATH: `${projectFolder}/node_modules/.bin:/cache/pulumi:/bin`,
    PULUMI_HOME: "/home",
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_PARALLEL: "64",
    NODE_COMPILE_CACHE: "/compiled",
  });
  expect(engineEnvironment(engine, { ...given, PULUMI_PARALLEL: "3" }).PULUMI_PARALLEL).toBe("3");
});

test("a shell takes the lines over, whatever stands in PATH", async () => {
  const PATH = "/it's here/$(false)`false`:/usr/bin:/bin";
  const lines = shellLines({
    PATH,
    PULUMI_SKIP_UPDATE_CHECK: "1",
    PULUMI_PARALLEL: "64",
    NODE_COMPILE_CACHE: "/compiled",
  });
  const { stdout } = await finish(
    ["/bin/sh", "-c", `${lines}echo "$PATH" "$PULUMI_SKIP_UPDATE_CHECK" "$PULUMI_PARALLEL" "$NODE_COMPILE_CACHE"`],
    { env: {} },
  );
  expect(stdout).toBe(`${PATH} 1 64 \n`);
});
