import { expect, test } from "vitest";
import { machine, stackOn, within } from "./on-lab.ts";

const server = machine("dev");
const accepted = async () =>
  Number(await within(server, "journalctl -q -u ssh -o cat | grep -c '^Accepted publickey' || true"));

/** sshd's MaxStartups and PerSourcePenalties must never bite, whatever the engine's parallelism. */
test("sixty resources take one authenticated connection per run", async () => {
  const files = Array.from({ length: 60 }, (_, index) => ({
    name: `file-${index}`,
    type: "File",
    args: { path: `/srv/onprem-many-${index}`, content: `${index}\n` },
  }));
  await using stack = await stackOn(server);
  const runs = [
    () => stack.up(files, "--parallel", "60"),
    () => stack.up(files, "--parallel", "60"),
    () => stack.destroy(),
  ];
  for (const run of runs) {
    const before = await accepted();
    expect((await run()).errors).toEqual([]);
    expect((await accepted()) - before).toBe(1);
  }
});
