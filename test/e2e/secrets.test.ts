import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { lab, machine, stackOn, within } from "./on-lab.ts";

const server = machine("dev");

/** Every place that takes a secret gets this one; `$1` is where to look for it. */
const canary = `canary${randomBytes(12).toString("hex")}`;
const secret = { $secret: "canary" };
const program = [
  { name: "file", type: "File", args: { path: "/etc/onprem-secret", content: secret, mode: "0600" } },
  {
    name: "tree",
    type: "FileTree",
    args: {
      path: "/etc/onprem-secrets",
      mode: "0600",
      directoryMode: "0700",
      files: { "a.conf": { content: secret }, "b.conf": { content: "b\n" } },
    },
  },
];

test("a secret is found nowhere: state, engine's log, event stream, processes, journals, readable files", async () => {
  await using stack = await stackOn(server, { secrets: { canary } });
  const places: Record<string, string> = {};
  const watch = watchProcesses();
  const first = await stack.up(program, "--logtostderr", "--logflow", "-v=11");
  await within(server, "echo changed >> /etc/onprem-secret; echo changed >> /etc/onprem-secrets/a.conf");
  const drifted = await stack.preview(program, "--diff");
  const healed = await stack.up(program, "--logtostderr", "--logflow", "-v=11");
  const broken = await stack.up(
    [
      {
        name: "file",
        type: "File",
        args: { path: "/etc/onprem-secret", content: secret, mode: "0600", validate: ["false", "{}"] },
      },
      { name: "bad", type: "File", args: { path: secret, mode: secret, content: secret } },
    ],
    "--logtostderr",
    "-v=11",
  );
  places.processes = await watch.stop();
  expect([first.code, healed.code]).toEqual([0, 0]);
  expect(broken.code).not.toBe(0);
  expect(Object.keys(drifted.changes).sort()).toEqual(["file", "tree"]);
  for (const [name, run] of Object.entries({ first, drifted, healed, broken }))
    places[`output of the ${name} run`] = run.output;
  places.state = await stack.export();
  places["back end"] = await everything(stack.folder);
  places["the host's journal"] = await within(server, "journalctl -q -o json --all --no-pager");
  places["files that everybody may read"] = await within(
    server,
    `find / -xdev -type f -perm -o+r -newermt '-10 minutes' -not -path '/proc/*' -not -path '/sys/*' -exec grep -l ${canary} {} + || true`,
  );
  for (const one of lab().machines)
    places[`console of ${one.name}`] = await readFile(one.consoleLog, "utf8").catch(() => "");
  const found = Object.entries(places).filter(
    ([, text]) => text.includes(canary) || text.includes(Buffer.from(canary).toString("base64")),
  );
  expect(found.map(([place]) => place)).toEqual([]);
  expect(await within(server, "cat /etc/onprem-secret")).toBe(canary);
  expect((await stack.destroy()).errors).toEqual([]);
});

/** Command lines and environments of all processes, ours and the host's (its processes are visible here), all the while. */
function watchProcesses() {
  const seen = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
        seen.add(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
      }
      await sleep(20);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return [...seen].join("\n");
    },
  };
}

async function everything(folder: string): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = names
    .filter((entry) => entry.isFile() && entry.name !== "program.json")
    .map((entry) => readFile(`${entry.parentPath}/${entry.name}`, "utf8"));
  return (await Promise.all(texts)).join("\n");
}
