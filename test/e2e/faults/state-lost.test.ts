import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "vitest";
import { run } from "../../../lab/command.ts";
import { resetHost } from "../../../lab/lab.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import type { Declared } from "../project/index.ts";
import type { Stack } from "../stack.ts";
import { fault, type Report } from "./fault.ts";
import { firstRun, standing } from "./first-run.ts";

/** Milliseconds for a case: some runs of the engine, on a machine that may be busy. */
const patience = 300_000;

// Everything of a stack's state but its backups and its history is deleted after a run, as by a disk that was restored too well.

const server = machine("test");
const small: Declared[] = [
  { name: "one", type: "File", args: { path: "/etc/onprem-lost-one", content: "1\n" } },
  { name: "folder", type: "Directory", args: { path: "/srv/onprem-lost", mode: "0750" }, after: ["one"] },
];

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-lost-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const recovered =
  "The next `up` ends with an error that names the stack and touches nothing; with the state back, an `up` changes nothing, and a `destroy` removes all.";

fault(
  "state/checkpoint-lost-history",
  {
    done: "The checkpoint deleted after a run, and put back from the back end's own history",
    holds: recovered,
    timeout: patience,
  },
  async (report) => {
    await using stack = await stackOn(server);
    expect((await stack.up(small)).code).toBe(0);
    await lose(stack, report);
    // As docs/operations.md has it.
    const copy = `cp "$(ls history/lab-tests/${stack.name}/*.checkpoint.json | tail -n 1)" stacks/lab-tests/${stack.name}.json`;
    await mkdir(join(stack.folder, ".pulumi", "stacks", "lab-tests"));
    await run(["sh", "-euc", `cd "$1/.pulumi"; ${copy}`, "sh", stack.folder]);
    await isWhole(stack, report);
  },
);

fault(
  "state/checkpoint-lost-export",
  {
    done: "The checkpoint deleted after a run, and put back from a file of `pulumi stack export`",
    holds: recovered,
    timeout: patience,
  },
  async (report) => {
    await using stack = await stackOn(server);
    expect((await stack.up(small)).code).toBe(0);
    const exported = join(folder, "export.json");
    await writeFile(exported, await stack.export());
    await lose(stack, report);
    await stack.init();
    const { code, stderr } = await stack.pulumi("stack", "import", "--stack", stack.name, "--file", exported);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    await isWhole(stack, report);
  },
);

fault(
  "state/checkpoint-lost-for-good",
  {
    done: "The checkpoint deleted after a run, with no copy anywhere; one file changed by hand besides; then a new, empty stack",
    holds:
      "What stands there as it is wanted is taken over untouched: no file is written, nothing restarts, no rule is loaded. What differs is refused, names `adopt`, and stays as it is; with `adopt: true` it is taken over too, and a further `up` changes nothing.",
    timeout: 300_000,
  },
  async (report) => {
    try {
      const source = join(folder, "source");
      await writeFile(source, randomBytes(1024 * 1024));
      const program = firstRun(lab(), source);
      await using stack = await stackOn(server);
      expect((await stack.up(program)).errors).toEqual([]);
      const [is, was] = [await standing(server), await untouched()];
      const changed = "/etc/first-run-3.conf";
      await within(server, `echo by hand >${changed}`);
      await lose(stack, report);
      await stack.init();

      const refused = await stack.up(program, "--continue-on-error");
      expect(refused.code).not.toBe(0);
      expect(refused.errors.filter((text) => text.startsWith('onprem:linux:File "file3"'))).toEqual([
        expect.stringMatching(/exists already, was not made by this program, and differs\n.*`adopt: true`/),
      ]);
      expect(await within(server, `cat ${changed}`)).toBe("by hand");
      expect(without(await untouched(), changed)).toBe(without(was, changed));
      const taken = Object.values(refused.changes).filter((operation) => operation === "create").length;
      report.seen(`${taken} of ${program.length} resources were taken over, and nothing of them was touched`);

      const adopting = program.map((one) =>
        one.name === "file3" ? { ...one, args: { ...one.args, adopt: true } } : one,
      );
      const healing = await stack.up(adopting);
      expect({ code: healing.code, errors: healing.errors }).toEqual({ code: 0, errors: [] });
      expect(await standing(server)).toBe(is);
      expect((await stack.up(adopting)).changes).toEqual({});
      report.seen("the file that differed was refused and stayed; with `adopt: true` one `up` converged");
    } finally {
      await resetHost(lab().name, server.name, { progress: () => undefined });
    }
  },
);

/** Deletes what the back end knows of the stack now, and looks at what an update says then. */
async function lose(stack: Stack, report: Report): Promise<void> {
  await rm(join(stack.folder, ".pulumi", "stacks", "lab-tests"), { recursive: true });
  const blind = await stack.up(small);
  expect(blind.code).not.toBe(0);
  expect(blind.changes).toEqual({});
  expect(blind.output).toMatch(/no stack named/);
  const said = /error: (.*)/.exec(blind.output)?.[1]?.replace(stack.name, "prod");
  report.seen(`The next \`up\` said "${said}"`);
}

async function isWhole(stack: Stack, report: Report): Promise<void> {
  const again = await stack.up(small);
  expect({ code: again.code, changes: again.changes, errors: again.errors }).toEqual({
    code: 0,
    changes: {},
    errors: [],
  });
  expect((await stack.destroy()).code).toBe(0);
  expect(await within(server, "ls -d /etc/onprem-lost-one /srv/onprem-lost 2>/dev/null || :")).toBe("");
  report.seen("with the state back an `up` changed nothing and a `destroy` removed all");
}

/** What changes when something is only touched: inodes and times, the table's handle, the start of the unit. */
function untouched(): Promise<string> {
  return within(
    server,
    `find /etc/first-run* /srv /etc/systemd/system /etc/sysctl.d /etc/sudoers.d /home/anna /etc/onprem /etc/passwd /etc/shadow \\
      -printf '%p %i %T@ %C@\\n' | sort
    nft --handle list tables
    systemctl show first-run.service --property=MainPID,ActiveEnterTimestampMonotonic
    stat -c '%Y' /var/lib/dpkg/status`,
  );
}

function without(lines: string, path: string): string {
  return lines
    .split("\n")
    .filter((line) => !line.startsWith(`${path} `))
    .join("\n");
}
