import { hostname, userInfo } from "node:os";
import { expect } from "vitest";
import { run } from "../../../lab/command.ts";
import type { MachineStatus, ServerName } from "../../../lab/status.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import type { Stack } from "../stack.ts";
import { fault } from "./fault.ts";
import { killAll, processTree, remaining } from "./processes.ts";
import { slowBegun, slowDone, slowForgotten, slowProgram, slowStanding, slowState } from "./slow-step.ts";
import { whenBegun } from "./when-begun.ts";

/** Milliseconds for a case: some runs of the engine, on a machine that may be busy. */
const patience = 300_000;

const program = slowProgram(5);
const us = `${userInfo().username}@${hostname()}`;

fault(
  "state/stale-lock",
  {
    done: "The engine killed in mid-update, so that its lock stays; then an `up`, `pulumi cancel`, and an `up`",
    holds:
      "The `up` before `pulumi cancel` changes nothing and says who holds the lock, on which machine, as which process and since when; the one after it converges, and a further one changes nothing.",
    timeout: patience,
    concurrent: true,
  },
  async (report) => {
    await using server = await own("dev");
    await using stack = await stackOn(server.machine);
    const { pid } = await killedInTheMiddle(server.machine, stack);
    const [lock = ""] = await stack.locks();
    expect(JSON.parse(lock)).toMatchObject({ pid, username: userInfo().username, hostname: hostname() });

    const refused = await stack.up(program);
    expect(refused.code).not.toBe(0);
    expect(refused.changes).toEqual({});
    expect(refused.output).toMatch(/the stack is currently locked by 1 lock\(s\)/);
    expect(refused.output).toMatch(new RegExp(`created by ${us} \\(pid ${pid}\\) at \\d{4}-\\d\\d-\\d\\dT`));
    report.seen(`The refused \`up\` said "${/created by .*/.exec(refused.output)?.[0]}"`);
    await cancel(stack);
    await finishes(server.machine, stack);
    report.seen("after `pulumi cancel` one `up` converged and a further one changed nothing");
  },
);

fault(
  "state/pending-operation",
  {
    done: "The engine killed while it created a resource, so that the state says so; then `pulumi cancel`, an `up`, and `pulumi refresh --clear-pending-creates`",
    holds:
      "The `up` takes over what the killed run has made and converges without being told to `adopt` it; after the refresh the state has no pending operation, and a further `up` changes nothing.",
    timeout: patience,
    concurrent: true,
  },
  async (report) => {
    await using server = await own("test");
    await using stack = await stackOn(server.machine);
    await killedInTheMiddle(server.machine, stack);
    expect(await pending(stack)).toEqual(["creating slow"]);
    report.seen(`The state of the killed run said "${(await pending(stack)).join(", ")}"`);
    await cancel(stack);
    const healing = await stack.up(program);
    expect({ code: healing.code, errors: healing.errors }).toEqual({ code: 0, errors: [] });
    const left = await pending(stack);
    report.seen(`one \`up\` converged; ${left.length} pending operations were left in the state`);
    const flags = ["--clear-pending-creates", "--yes", "--skip-preview", "--stack", stack.name];
    expect((await stack.pulumi("refresh", ...flags)).code).toBe(0);
    expect(await pending(stack)).toEqual([]);
    report.seen("none after `pulumi refresh --clear-pending-creates`");
    await finishes(server.machine, stack);
  },
);

fault(
  "state/two-runs",
  {
    done: "A second `up` of the same stack while the first one waits for a unit to start",
    holds:
      "The second one is refused, says who works since when and changes nothing; the process that it names runs, and the server shows one program of ours; the first one finishes as if nothing had been, and a further one changes nothing.",
    timeout: patience,
    concurrent: true,
  },
  async (report) => {
    await using server = await own("prod");
    await using stack = await stackOn(server.machine);
    const running = await stack.begin(program);
    await slowBegun(server.machine, running.finished);
    const second = await stack.up(program);
    expect(second.code).not.toBe(0);
    expect(second.changes).toEqual({});
    const named = Number(/created by \S+ \(pid (\d+)\)/.exec(second.output)?.[1]);
    expect(named).toBe(running.pid);
    expect(await slowState(server.machine)).toBe("activating");
    expect((await within(server.machine, ourPrograms)).split("\n")).toHaveLength(1);
    expect((await run(["ps", "-p", String(named), "-o", "comm="])).trim()).toBe("pulumi");
    report.seen(`The second one said "${/created by .*/.exec(second.output)?.[0]}", and that process ran`);
    const first = stack.outcome(await running.finished);
    expect({ code: first.code, errors: first.errors }).toEqual({ code: 0, errors: [] });
    await finishes(server.machine, stack);
    report.seen("the first one finished, and a further one changed nothing");
  },
);

fault(
  "state/guard-waits",
  {
    done: "Engine and plugin killed while a change of the firewall waited for its confirmation; an `up` at once, and one after the change was undone by hand",
    holds:
      "The first `up` is refused with the words of the server's own file on that change and leaves the firewall alone; `sh /var/lib/onprem/guard/current/restore` undoes the change; the second `up` converges, and a further one changes nothing.",
    timeout: patience,
  },
  async (report) => {
    await using server = await own("test");
    const { v4, v6 } = lab().segments.management;
    const ssh = { protocol: "tcp", ports: [22], from: [v4, v6] };
    const firewall = [
      { name: "firewall", type: "Firewall", args: { inbound: { ssh }, outbound: {}, confirmSeconds: 300 } },
    ];
    await using stack = await stackOn(server.machine);
    const about = () => within(server.machine, "cat /var/lib/onprem/guard/current/about 2>/dev/null || :");
    const running = await stack.begin(firewall);
    await whenBegun(running.finished, async () => (await about()) !== "");
    killAll(await processTree(running.pid));
    await running.finished;
    await cancel(stack);
    const words = await about();
    const refused = await stack.up(firewall);
    if (words === "") throw new Error("the window had ended before it was looked at");
    expect(words).toMatch(
      new RegExp(`^firewall-[0-9a-f]{8}, by ${us}, since .* UTC, undone at .* UTC unless confirmed$`),
    );
    expect(refused.code).not.toBe(0);
    expect(refused.errors.join("\n")).toContain(words);
    report.seen(`The refused \`up\` said "another change waits there for its confirmation: ${words}"`);
    await within(server.machine, "sh /var/lib/onprem/guard/current/restore");
    expect(await about()).toBe("");
    expect(await within(server.machine, "nft list tables")).toBe("");
    const healing = await stack.up(firewall);
    expect({ code: healing.code, errors: healing.errors }).toEqual({ code: 0, errors: [] });
    expect((await stack.up(firewall)).changes).toEqual({});
    expect((await stack.destroy()).errors).toEqual([]);
    report.seen("it was undone by hand; then one `up` converged and a further one changed nothing");
  },
);

/** A server for one case, with nothing on it of a case before and nothing of this one after it. */
async function own(name: ServerName): Promise<AsyncDisposable & { machine: MachineStatus }> {
  const server = machine(name);
  await slowForgotten(server);
  return { machine: server, [Symbol.asyncDispose]: () => slowForgotten(server) };
}

/** How docs/operations.md looks for runs on a server. */
const ourPrograms = "pgrep -f '^perl -e my'";

/** Kills the engine while the slow unit starts; what is left of the run ends before this returns. */
async function killedInTheMiddle(server: MachineStatus, stack: Stack): Promise<{ pid: number }> {
  const running = await stack.begin(program);
  await slowBegun(server, running.finished);
  const tree = await processTree(running.pid);
  killAll(tree.slice(0, 1));
  await running.finished;
  killAll(await remaining(tree, 5)); // Pulumi's language host would stay for minutes
  return { pid: running.pid };
}

async function cancel(stack: Stack): Promise<void> {
  // The second time there is no lock: that does no harm.
  for (let time = 0; time < 2; time += 1) {
    const { code, stderr } = await stack.pulumi("cancel", "--yes", "--stack", stack.name);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(await stack.locks()).toEqual([]);
  }
}

async function finishes(server: MachineStatus, stack: Stack): Promise<void> {
  const healing = await stack.up(program);
  expect({ code: healing.code, errors: healing.errors }).toEqual({ code: 0, errors: [] });
  expect(await slowStanding(server)).toBe(slowDone);
  const again = await stack.up(program);
  expect({ code: again.code, changes: again.changes }).toEqual({ code: 0, changes: {} });
  expect((await stack.destroy()).errors).toEqual([]);
}

/** What the state says was under way: `creating slow`. */
async function pending(stack: Stack): Promise<string[]> {
  const { deployment } = JSON.parse(await stack.export()) as {
    deployment: { pending_operations?: { type: string; resource: { urn: string } }[] };
  };
  return (deployment.pending_operations ?? []).map(
    ({ type, resource }) => `${type} ${resource.urn.split("::").at(-1)}`,
  );
}
