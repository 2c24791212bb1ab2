import { beforeEach, describe, expect, test } from "vitest";
import {
  Cancelled,
  ChangeInProgress,
  ChangeUndone,
  ConnectionLost,
  LoginRefused,
  StepFailed,
  Unreachable,
} from "../../../../infra/provider/host/errors.ts";
import { type GuardedHost, type Line, performGuarded } from "../../../../infra/provider/host/guard.ts";
import type { Exec, Ran } from "../../../../infra/provider/host/requests.ts";
import { run } from "../../../../infra/provider/step.ts";

const guard = { name: "trial", files: [], restore: [], seconds: 4 };
const steps = [run("do it", ["true"])];
const ended = (code: number, stdout = "", stderr = ""): Ran => ({ code, stdout, stderr, late: false });

/** Which of the scripts an exec is. */
function scriptOf({ stdin = "" }: Exec): string {
  if (stdin.includes("systemctl start onprem-guard.timer")) return "arm";
  if (stdin.includes("ln -s confirmed")) return "confirm";
  return stdin.includes("echo undone") ? "undone" : "forget";
}

let log: string[];
/** Seconds that each new connection was given. */
let given: number[];
beforeEach(() => {
  log = [];
  given = [];
});

interface Plot {
  arm?: Ran;
  /** What each new connection answers to a confirmation; an error is a dial that fails. */
  confirm?: (Ran | Error)[];
  undone?: string;
  steps?: () => Promise<void>;
  /** The account that must confirm and has not logged in yet. */
  unproven?: string;
}

function host(plot: Plot): GuardedHost<Line & { name: string }> {
  const confirmations = [...(plot.confirm ?? [ended(0)])];
  let dialled = 0;
  const line = (name: string): Line & { name: string } => ({
    name,
    alive: true,
    async exec(exec) {
      const script = scriptOf(exec);
      log.push(`${script} over ${name}`);
      if (script === "arm") return plot.arm ?? ended(0, "100.00\n100.40\n");
      if (script === "undone") return ended(0, `${plot.undone ?? "undone"}\n`);
      if (script === "forget") return ended(0);
      const answer = confirmations.shift() ?? new Error("unexpected");
      if (answer instanceof Error) throw answer;
      return answer;
    },
  });
  const old = line("old");
  return {
    name: "dev",
    say: () => {},
    line: async () => old,
    oldLine: () => old,
    newLine: async () => line("another"),
    unproven: () => plot.unproven,
    async confirmingLine(seconds) {
      dialled += 1;
      given.push(Math.round(seconds));
      if (confirmations[0] instanceof Unreachable || confirmations[0] instanceof LoginRefused)
        throw confirmations.shift();
      return line(`new ${dialled}`);
    },
    adopt: ({ name }) => void log.push(`adopt ${name}`),
    discard: ({ name }) => void log.push(`discard ${name}`),
    async steps(_, until) {
      log.push(`steps until ${until}`);
      await plot.steps?.();
    },
    sleep: (seconds) => new Promise((resolve) => setTimeout(resolve, seconds * 100)),
  };
}

const unreachable = () => new Unreachable({ what: "no ssh on dev:22", why: "no answer" });
const lost = () => new ConnectionLost({ what: "lost the connection to dev", why: "reset" });

describe("a guarded change", () => {
  test("is armed, made, confirmed over a new connection, which is then the one in use", async () => {
    await performGuarded(host({}), steps, guard);
    expect(log).toEqual(["arm over old", "steps until 103.4", "confirm over new 1", "adopt new 1"]);
  });

  test("is confirmed by a later attempt where packets are lost", async () => {
    await performGuarded(host({ confirm: [unreachable(), unreachable(), ended(0)] }), steps, guard);
    expect(log.slice(2)).toEqual(["confirm over new 3", "adopt new 3"]);
  });

  test.each([
    [60, 30],
    [20, 10],
    [8, 5],
    [4, 4],
  ])(
    "with a window of %i s gives the new login half of it, and 5 s where there are more: %i s",
    async (window, seconds) => {
      await performGuarded(host({}), steps, { ...guard, seconds: window });
      expect(given).toEqual([seconds]);
    },
  );

  test("counts as confirmed when only the answer was lost", async () => {
    await performGuarded(host({ confirm: [lost(), ended(5)] }), steps, guard);
    expect(log.slice(2)).toEqual(["confirm over new 1", "discard new 1", "confirm over new 2", "adopt new 2"]);
  });

  test("counts as confirmed when the answer was lost, and the host is on its way down and knows nothing of it any more", async () => {
    await performGuarded(host({ confirm: [lost(), ended(6)], undone: "gone" }), steps, guard);
    expect(log.slice(-2)).toEqual(["undone over old", "adopt old"]);
  });

  test.each([
    ["came too late", ended(4), "the confirmation came too late"],
    ["was for another change", ended(3), "another change waits"],
    ["was for a change that the host does not know", ended(5), "the host knows of no such change"],
    ["met a host on its way down", ended(6), "the host went down before it was confirmed"],
  ])("whose confirmation %s was undone", async (_, answer, why) => {
    const error = await performGuarded(host({ confirm: [answer] }), steps, guard).catch((error) => error);
    expect(error).toBeInstanceOf(ChangeUndone);
    expect(error.message).toContain(why);
    expect(log.slice(2)).toEqual([
      "confirm over new 1",
      "discard new 1",
      "undone over old",
      "forget over old",
      "adopt old",
    ]);
  });

  test("that cannot be confirmed in time was undone", async () => {
    const forever = Array.from({ length: 999 }, unreachable);
    const error = await performGuarded(host({ confirm: forever }), steps, { ...guard, seconds: 2 }).catch(
      (error) => error,
    );
    expect(error).toBeInstanceOf(ChangeUndone);
    expect(error.message.split("\n")).toEqual([
      "the change trial on dev was undone: it cut us off",
      "  no ssh on dev:22: no answer",
      "  The host is as it was before. Correct the setting that locks this machine out, then run the update again.",
    ]);
  });

  test("ACC-2: that an account which has not logged in yet must confirm, and cannot, was undone after one attempt", async () => {
    const refused = new LoginRefused({ what: "dev does not let anna in", why: "tried key file a (SHA256:…)" });
    const error = await performGuarded(host({ confirm: [refused], unproven: "anna" }), steps, guard).catch(
      (error) => error,
    );
    expect(error).toBeInstanceOf(ChangeUndone);
    expect(error.message.split("\n")).toEqual([
      "the change trial on dev was undone: anna could not log in with the key that is to last",
      "  dev does not let anna in: tried key file a (SHA256:…)",
      expect.stringContaining("The host is as it was before, and the way in that was used stays open."),
    ]);
    expect(given).toHaveLength(1);
    expect(log.slice(2)).toEqual(["undone over old", "forget over old", "adopt old"]);
  });

  test("with a failing step is undone at once, and the step's error is the one to read", async () => {
    const failed = new StepFailed({ what: "could not do it on dev", why: "false: (exit 1)" });
    const work = performGuarded(host({ steps: () => Promise.reject(failed) }), steps, guard);
    await expect(work).rejects.toBe(failed);
    expect(log.slice(2)).toEqual(["undone over old", "forget over old", "adopt old"]);
  });

  test("with a step that was never heard of again cut us off", async () => {
    await expect(performGuarded(host({ steps: () => Promise.reject(lost()) }), steps, guard)).rejects.toThrow(
      ChangeUndone,
    );
    await expect(
      performGuarded(host({ steps: () => new Promise(() => {}) }), steps, { ...guard, seconds: 1 }),
    ).rejects.toThrow("no answer for 2 s");
  });

  test("that is stopped is left to the host", async () => {
    const stopped = new Cancelled("dev");
    await expect(performGuarded(host({ steps: () => Promise.reject(stopped) }), steps, guard)).rejects.toBe(stopped);
    expect(log).toEqual(["arm over old", "steps until 103.4"]);
  });

  test("is not begun while another one waits", async () => {
    const arm = ended(
      75,
      "trial-00000000, by anna@laptop, since 2026-01-01 10:00:00 UTC, undone at 10:01:00 unless confirmed\n",
    );
    const error = await performGuarded(host({ arm }), steps, guard).catch((error) => error);
    expect(error).toBeInstanceOf(ChangeInProgress);
    expect(error.message).toContain("by anna@laptop, since 2026-01-01 10:00:00 UTC");
    expect(log).toEqual(["arm over old"]);
  });

  test("is not begun when it cannot be armed", async () => {
    const arm = ended(1, "", "cp: No space left on device\n");
    const error = await performGuarded(host({ arm }), steps, guard).catch((error) => error);
    expect(error).toBeInstanceOf(StepFailed);
    expect(error.message.split("\n")).toEqual([
      "could not make sure that the change trial on dev can be undone; nothing was changed",
      "  cp: No space left on device (exit 1)",
    ]);
    expect(log).toEqual(["arm over old"]);
  });
});
