import { expect, test } from "vitest";
import { finish } from "../../../scripts/command.ts";
import { engineEnvironment, projectFolder, shellLines } from "../../../scripts/engine/environment.ts";

test("our Node comes first, then the engine, then the rest; everything else is the caller's", () => {
  const engine = { folder: "/cache/pulumi", version: "3.259.0", from: "PATH", cached: true } as const;
  expect(engineEnvironment(engine, { PATH: "/bin:/cache/pulumi", PULUMI_HOME: "/home" })).toEqual({
    PATH: `${projectFolder}/node_modules/.bin:/cache/pulumi:/bin`,
    PULUMI_HOME: "/home",
    PULUMI_SKIP_UPDATE_CHECK: "1",
  });
});

test("a shell takes the lines over, whatever stands in PATH", async () => {
  const PATH = "/it's here/$(false)`false`:/usr/bin:/bin";
  const lines = shellLines({ PATH, PULUMI_SKIP_UPDATE_CHECK: "1" });
  const { stdout } = await finish(["/bin/sh", "-c", `${lines}echo "$PATH" "$PULUMI_SKIP_UPDATE_CHECK"`], { env: {} });
  expect(stdout).toBe(`${PATH} 1\n`);
});
