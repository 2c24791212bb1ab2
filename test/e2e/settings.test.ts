import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { initStacks, type LabStacks, openLabStacks } from "../../scripts/start/lab-stack.ts";

// The stack files as they are handed out, against the real engine: nothing is dialled, for no server is there.
let folder: string;
let stacks: LabStacks;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-settings-"));
  stacks = await openLabStacks(folder, inject("engine"));
  await initStacks(stacks, ["prod", "kunde-a", "kunde-b"], new AbortController().signal);
});

afterAll(() => rm(folder, { recursive: true, force: true }));

/** What the engine tells of errors; each with the severity and text that it prints. */
async function errorsOf(stack: string, file: string): Promise<{ code: number | null; errors: string[] }> {
  const words = ["preview", "--non-interactive", "--json", "--stack", stack, "--config-file", file];
  const { code, stdout } = await finish(["pulumi", "-C", projectFolder, ...words], { env: stacks.env });
  const { diagnostics = [] } = JSON.parse(stdout) as { diagnostics?: { severity: string; message: string }[] };
  const errors = diagnostics.filter(({ severity }) => severity === "error").map(({ message }) => message.trim());
  return { code, errors };
}

test("a stack file as it is handed out: everything that is still the example's, in one error, before anything is dialled", async () => {
  const file = join(folder, "Pulumi.prod.yaml");
  await copyFile(join(projectFolder, "Pulumi.prod.yaml"), file);
  const { code, errors } = await errorsOf("prod", file);
  expect(code).not.toBe(0);
  expect(errors).toHaveLength(1);
  const [first, ...lines] = (errors[0] ?? "").split("\n");
  expect(first).toBe("error: the configuration of stack prod has 14 mistakes; nothing was touched");
  expect(lines.filter((line) => line.includes("is still the example's"))).toHaveLength(12);
  expect(lines).toContain("  os2mo-on-prem:server.host is still the example's address: 192.0.2.13");
  expect(lines.at(-1)).toBe("  Edit Pulumi.prod.yaml; docs/settings.md describes each key.");
});

test("a stack without configuration: every key that is missing, by name, and no stack trace", async () => {
  const file = join(folder, "Pulumi.kunde-a.yaml");
  await writeFile(file, `${await readFile(file, "utf8").catch(() => "")}\nconfig: {}\n`);
  const { code, errors } = await errorsOf("kunde-a", file);
  expect(code).not.toBe(0);
  const paths = (errors[0] ?? "").match(/(?<=os2mo-on-prem:)[\w.]+(?= is required)/g);
  expect(paths).toEqual([
    "environment",
    "customer.domain",
    "customer.name",
    "server.host",
    "server.hostKey",
    "firewall.internal",
    "firewall.saltMaster",
    "time.servers",
  ]);
  expect(errors[0]).toContain(
    "os2mo-on-prem:firewall.management must name at least one range, or vpn must: nobody could use SSH (Q-SRV-5)",
  );
  expect(errors.join("\n")).not.toMatch(/\n\s+at /);
});

test("a key of the wrong type hides no other mistake: the engine leaves checking to the program", async () => {
  const file = join(folder, "Pulumi.kunde-b.yaml");
  const wrong = [
    "os2mo-on-prem:journal: nothing",
    "os2mo-on-prem:time: [1]",
    "os2mo-on-prem:updates: 3",
    "os2mo-on-prem:environment: {}",
  ];
  await writeFile(
    file,
    `${await readFile(file, "utf8").catch(() => "")}\nconfig:\n${wrong.map((line) => `  ${line}\n`).join("")}`,
  );
  const { code, errors } = await errorsOf("kunde-b", file);
  expect(code).not.toBe(0);
  expect(errors).toHaveLength(1);
  for (const mistake of [
    'environment must be "development" or "test" or "production"; given: "{}"',
    "server.host is required",
    "time must be an object; given: [1]",
    "updates must be an object; given: 3",
    'journal must be an object; given: "nothing"',
  ]) {
    expect(errors[0]).toContain(`os2mo-on-prem:${mistake}`);
  }
});
