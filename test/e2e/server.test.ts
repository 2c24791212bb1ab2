import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, inject, onTestFinished, test } from "vitest";
import { labSettings } from "../../lab/settings.ts";
import { initStacks, openLabStacks, update, writeConfiguration } from "../../scripts/start/lab-stack.ts";
import { lab, machine, within } from "./on-lab.ts";

/** A mark in time on the server itself: what is newer than it was changed since. Below /run, so that it leaves nothing. */
const mark = "/run/onprem-untouched";

/**
 * What an update would leave on a server, a line each: the provider's own folder, the list of installed packages, the
 * rules that the kernel filters by, and every file that was changed since the mark.
 */
const traces = [
  "test ! -e /var/lib/onprem || ls -lA --time-style=full-iso /var/lib/onprem",
  "sha256sum /var/lib/dpkg/status",
  "nft --stateless list ruleset | sha256sum",
  "getent passwd | sha256sum",
  `find /etc /usr/local /usr/lib/systemd /root /home /opt /srv /var/lib/dpkg /var/lib/apt -xdev -newercm ${mark} | sort`,
].join("\n");

test("SRV-3, SRV-6: a server that falls short is refused with every shortfall, and nothing on it is touched", async () => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-server-"));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { signal } = new AbortController();
  const stacks = await openLabStacks(folder, inject("engine"));
  await initStacks(stacks, ["short"], signal);
  await writeConfiguration(stacks, "short", {
    ...labSettings(lab(), "production"),
    "os2mo-on-prem:requirements": { profile: "2026", override: { cores: 4096 } },
  });

  const server = machine("prod");
  await within(server, `touch ${mark}`);
  onTestFinished(async () => void (await within(server, `rm -f ${mark}`)));
  const before = await within(server, traces);

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
  expect(await within(server, traces)).toBe(before);
});
