import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readStacks } from "../../../scripts/documents/read-stacks.ts";
import { stackNames } from "../../../scripts/documents/stack-settings.ts";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "read-stacks-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Files of stacks by name; each as much as the names of its server follow from. */
async function files(stacks: Record<string, { name?: string; environment: string; hostname?: string }>) {
  const written = Object.entries(stacks).map(async ([stack, { name = "Nærum", environment, hostname }]) => {
    const file = join(folder, `Pulumi.${stack}.yaml`);
    const config = {
      "os2mo-on-prem:environment": environment,
      "os2mo-on-prem:customer": { name, domain: "naerum.dk" },
      ...(hostname !== undefined && { "os2mo-on-prem:server": { hostname } }),
    };
    await writeFile(file, JSON.stringify({ config }));
    return [stack, file] as const;
  });
  return new Map(await Promise.all(written));
}

test("one customer's servers, each with its own name", async () => {
  const read = await readStacks(
    await files({ test: { environment: "test" }, prod: { environment: "production" } }),
    stackNames,
  );
  expect(read.map(({ server }) => server.hostname)).toEqual(["os2mo-test.naerum.dk", "os2mo.naerum.dk"]);
});

test("DNS-7: stacks that share a server's name, as a copied file has it, are refused with both names", async () => {
  const copied = await files({
    dev: { environment: "development" },
    test: { environment: "test", hostname: "os2mo.naerum.dk" },
    prod: { environment: "production" },
  });
  await expect(readStacks(copied, stackNames)).rejects.toThrow(
    /stacks share a server's name \(DNS-7\)\n {2}test and prod: os2mo\.naerum\.dk\n/,
  );
});

test("another customer's server is refused", async () => {
  const mixed = await files({
    test: { environment: "test" },
    prod: { environment: "production", name: "Another" },
  });
  await expect(readStacks(mixed, stackNames)).rejects.toThrow("more than one customer");
});

test("the mistakes of all are told together", async () => {
  const wrong = await files({ test: { environment: "nowhere" }, prod: { environment: "elsewhere" } });
  await expect(readStacks(wrong, stackNames)).rejects.toThrow(/nowhere.*elsewhere/s);
});
