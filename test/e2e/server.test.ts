import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { labSettings } from "../../lab/settings.ts";
import { initStacks, openLabStacks, update, writeConfiguration } from "../../scripts/start/lab-stack.ts";

test("SRV-3, SRV-6: a server that falls short is refused with every shortfall, and nothing on it is touched", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-server-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { signal } = new AbortController();
  const stacks = await openLabStacks(folder, inject("engine"));
  await initStacks(stacks, ["short"], signal);
  await writeConfiguration(stacks, "short", {
    ...labSettings(inject("lab"), "production"),
    "os2mo-on-prem:requirements": { profile: "2026", override: { cores: 4096 } },
  });

  const { changes, errors } = await update(stacks, "short", signal, () => {});
  expect(errors.join("\n")).toContain(
    [
      'onprem:linux:Facts "server-preflight": nothing was changed on prod.lab.test',
      `  needs 4096 cores (SRV-3), has ${navigator.hardwareConcurrency}`,
      "  needs Ubuntu 24.04 (SRV-6), has Debian 12",
    ].join("\n"),
  );
  // The component may be told of or not, for it has nothing on the server.
  expect({ ...changes, create: changes.create?.filter((name) => name !== "Server server") }).toEqual({
    create: ["onprem server"],
  });
});
