import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";
import { run } from "../../../lab/command.ts";
import { resetHost } from "../../../lab/lab.ts";
import type { MachineStatus } from "../../../lab/status.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import type { Stack } from "../stack.ts";
import { fault, type Report } from "./fault.ts";
import { slowBegun, slowDone, slowForgotten, slowProgram, slowStanding } from "./slow-step.ts";

/** Milliseconds for a case: some runs of the engine, on a machine that may be busy. */
const patience = 300_000;

const program = slowProgram(6);
const holds =
  "The run says what is wrong with its back end. Once the back end is back, `pulumi cancel` takes the lock away where one is left, one `up` takes over what stands there without `adopt` and converges, and a further one changes nothing.";

fault(
  "state/back-end-removed",
  {
    done: "The back end's folder taken away in mid-update, and put back after the run had ended",
    holds,
    timeout: patience,
    concurrent: true,
  },
  (report) =>
    onFolder(machine("dev"), report, async (folder) => {
      await rename(folder, `${folder}-away`);
      return async () => {
        await rm(folder, { recursive: true, force: true });
        await rename(`${folder}-away`, folder);
      };
    }),
);

fault(
  "state/back-end-read-only",
  { done: "The back end's file system made read-only in mid-update", holds, timeout: patience, concurrent: true },
  (report) =>
    onFileSystem(machine("test"), report, async (folder) => {
      await run(["mount", "-o", "remount,ro", folder]);
      return async () => {
        await run(["mount", "-o", "remount,rw", folder]);
      };
    }),
);

fault(
  "state/back-end-full",
  { done: "The back end's file system filled up in mid-update", holds, timeout: patience, concurrent: true },
  (report) =>
    onFileSystem(machine("prod"), report, async (folder) => {
      const filler = join(folder, "filler");
      await run(["dd", "if=/dev/zero", `of=${filler}`, "bs=4096"]).catch(() => undefined); // ends when there is no room
      return () => rm(filler);
    }),
);

fault(
  "state/postgresql-stopped",
  {
    done: "A PostgreSQL back end (`postgres://`) killed in mid-update and started again after the run had ended",
    holds,
    timeout: patience,
  },
  async (report) => {
    const [server, database] = [machine("dev"), machine("prod")];
    try {
      await within(database, postgresql(lab().ranges.v4));
      const url = `postgres://pulumi:only-for-this-test@${database.addresses.v4}:5432/pulumi?sslmode=disable`;
      await using stack = await stackOn(server, { backend: url });
      await recovers(server, stack, report, async () => {
        expect(await within(database, "cd /; su postgres -c 'pg_dump pulumi'")).toContain(`/${stack.name}.json`);
        await within(
          database,
          "systemctl kill --signal=KILL postgresql@15-main.service; sleep 1; systemctl stop postgresql.service",
        );
        return async () => {
          await within(database, "systemctl reset-failed; systemctl start postgresql@15-main.service");
        };
      });
    } finally {
      await resetHost(lab().name, database.name, { progress: () => undefined });
    }
  },
);

/** Breaks a back end that is a folder; what mends it. */
type Breaks = (folder: string) => Promise<() => Promise<void>>;

/** With a folder as back end; `breaks` breaks it and returns what mends it. */
async function onFolder(server: MachineStatus, report: Report, breaks: Breaks): Promise<void> {
  const above = await mkdtemp(join(tmpdir(), "onprem-back-end-"));
  try {
    const folder = join(above, "state");
    await mkdir(folder);
    await using stack = await stackOn(server, { backend: `file://${folder}` });
    await recovers(server, stack, report, () => breaks(folder));
  } finally {
    await rm(above, { recursive: true, force: true });
  }
}

/** With a file system of its own as back end, of 4 MiB. */
async function onFileSystem(server: MachineStatus, report: Report, breaks: Breaks): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "onprem-back-end-"));
  await run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder]);
  try {
    await using stack = await stackOn(server, { backend: `file://${folder}` });
    await recovers(server, stack, report, () => breaks(folder));
  } finally {
    await run(["umount", folder]);
    await rm(folder, { recursive: true });
  }
}

async function recovers(
  server: MachineStatus,
  stack: Stack,
  report: Report,
  breaks: () => ReturnType<Breaks>,
): Promise<void> {
  await slowForgotten(server);
  try {
    const running = await stack.begin(program);
    await slowBegun(server, running.finished);
    const mend = await breaks();
    const broken = stack.outcome(await running.finished);
    await mend();
    const said = /(failed to save snapshot|there was a problem deleting the lock|saving update info)/.exec(
      broken.output,
    );
    expect(said).not.toBeNull();
    report.seen(`The run ended with exit code ${broken.code} and said "${said?.[0]}"`);

    let healing = await stack.up(program);
    const isLocked = /currently locked/.test(healing.output);
    if (isLocked) {
      expect((await stack.pulumi("cancel", "--yes", "--stack", stack.name)).code).toBe(0);
      healing = await stack.up(program);
    }
    report.seen(isLocked ? "its lock was left and `pulumi cancel` took it away" : "it left no lock");
    expect({ code: healing.code, errors: healing.errors }).toEqual({ code: 0, errors: [] });
    expect(await slowStanding(server)).toBe(slowDone);
    const again = await stack.up(program);
    expect({ code: again.code, changes: again.changes }).toEqual({ code: 0, changes: {} });
    expect((await stack.destroy()).code).toBe(0);
    report.seen("one `up` converged and a further one changed nothing");
  } finally {
    await slowForgotten(server);
  }
}

/** Installs PostgreSQL with a database for the state. */
function postgresql(clients: string): string {
  return `export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq --yes --no-install-recommends install postgresql-15 >/dev/null 2>&1
    echo "host pulumi pulumi ${clients} scram-sha-256" >>/etc/postgresql/15/main/pg_hba.conf
    echo "listen_addresses = '*'" >>/etc/postgresql/15/main/postgresql.conf
    systemctl restart postgresql@15-main.service
    cd /
    su postgres -c "psql -qc \\"create role pulumi login password 'only-for-this-test'\\" -c 'create database pulumi owner pulumi'"`;
}
