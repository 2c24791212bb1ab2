import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { findGroups } from "../../../lab/cgroup.ts";
import { groupName } from "../../../lab/machine.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import { fault } from "./fault.ts";
import { converges, leftovers, onlyError, seconds, trouble } from "./trouble.ts";

const server = machine("test");

/** Sets a limit of the server's control group (cgroup v1) as long as it is in scope; `set` changes it meanwhile. */
async function limited(name: string, value: string) {
  const groups = await findGroups((group) => group === groupName(lab().name, server.name));
  const files = groups.map((group) => join(group, name));
  const before = new Map<string, string>();
  for (const file of files) {
    const text = await readFile(file, "utf8").catch(() => undefined);
    if (text !== undefined) before.set(file, text.trim());
  }
  expect([...before.keys()]).toHaveLength(1);
  const set = async (text: string) => {
    for (const file of before.keys()) await writeFile(file, text);
  };
  const end = async () => {
    for (const [file, text] of before) await writeFile(file, text);
  };
  await set(value);
  return { end, [Symbol.asyncDispose]: end };
}

fault(
  "machine/memory-short",
  {
    done: "The server has 200 MB of memory; the program that is to validate a file needs 400 MB, and the kernel kills it",
    holds:
      "An error that says that it was killed and where to look; the old file as it was; with memory, one update converges",
  },
  async (report) => {
    const path = "/etc/onprem-fault";
    await using _ = await trouble(server, `echo old >${path}`, `rm -f ${path} /var/lib/onprem/kept/*`);
    await using memory = await limited("memory.limit_in_bytes", `${200 * 1024 * 1024}`);
    await using stack = await stackOn(server);
    const validate = ["perl", "-e", "my $all = 'x' x 400_000_000; exit 0"];
    const resources = [{ name: "one", type: "File", args: { path, content: "new\n", validate, adopt: true } }];
    const error = onlyError(await stack.up(resources));
    expect(error).toEqual([
      `onprem:linux:File "one": could not write ${path} on test.lab.test`,
      "perl: it was killed (exit 137)",
      expect.stringMatching(/^Something on the host killed it, most often because memory ran out/),
    ]);
    expect([await within(server, `cat ${path}`), await leftovers(server)]).toEqual(["old", ""]);
    report.seen(`"${error[1]}", and where to look; the old file whole, nothing beside it`);
    await memory.end();
    await converges(stack, resources);
    expect(await within(server, `cat ${path}`)).toBe("new");
    report.seen("With memory, one update converged");
  },
);

fault(
  "machine/processor-taken",
  {
    done: "The server gets a tenth of a processor, and two programs of somebody else want all of it; a guarded change of sshd is made",
    holds: "The change is confirmed in time and kept; a second update has nothing to do",
    timeout: 240_000,
  },
  async (report) => {
    const hogs = "onprem-fault-hog@";
    await using _ = await trouble(
      server,
      `printf '[Service]\\nExecStart=/bin/sh -c "while :; do :; done"\\n' >/run/systemd/system/${hogs}.service; systemctl daemon-reload`,
      `systemctl stop '${hogs}*.service'; rm /run/systemd/system/${hogs}.service; systemctl daemon-reload`,
    );
    await using processor = await limited("cpu.cfs_quota_us", "10000");
    await within(server, `systemctl start ${[1, 2].map((index) => `${hogs}${index}.service`).join(" ")}`);
    await using stack = await stackOn(server);
    const resources = [{ name: "sshd", type: "Sshd", args: { permitRootLogin: "prohibit-password" } }];
    const busy = await stack.up(resources);
    expect({ errors: busy.errors, changes: busy.changes }).toEqual({ errors: [], changes: { sshd: "create" } });
    await processor.end();
    await within(server, `systemctl stop '${hogs}*.service'`);
    expect((await stack.up(resources)).changes).toEqual({});
    expect((await stack.destroy()).errors).toEqual([]);
    report.seen(`Confirmed and kept; the update took ${seconds(busy.took)}`);
  },
);
