import { expect } from "vitest";
import { ChangeUndone } from "../../../infra/provider/host/errors.ts";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import type { Guard, Step } from "../../../infra/provider/step.ts";
import {
  change,
  firstLine,
  guard,
  onHost,
  open,
  path,
  prepare,
  stands,
  tidy,
  timed,
  traces,
  untouched,
} from "../guarded.ts";
import { machine } from "../on-lab.ts";
import { watchAccess } from "./access.ts";
import type { Report } from "./fault.ts";

/** What most cases of this group must show. */
export const undoneByItself = "The server undoes all of it by itself, and the error says that the change cut us off";

/** The same where only the new login is refused: the connection that is still open is used to have it undone at once. */
export const undoneAtOnce =
  "The refused login is taken for an answer: the server is told over the open connection to undo it, and the error says that the change cut us off";

/** Seconds of the window in these cases; in use it is 60. */
export const seconds = 7;

/** What a case may ask for beyond its steps. */
interface Extras {
  /** Replaces parts of the usual guard. */
  readonly guard?: Partial<Guard>;
  /** Seconds beyond the window after which the run must know. @default 20 */
  readonly patience?: number;
  /** Script that removes what the fault left beside what the guard knows. */
  readonly undo?: string;
  /** What else must be true afterwards. */
  readonly besides?: (host: SshHost, report: Report) => Promise<void>;
}

/**
 * One guarded change that locks us out, from beginning to end: the server undoes it by itself, everything is as it was, the error says
 * so, and the run can go on over the same host. Tells how long nobody could log in.
 */
export async function lockedOut(report: Report, steps: readonly Step[], extras: Extras = {}): Promise<void> {
  const { patience = 20, undo, besides } = extras;
  const whole = { ...guard, seconds, ...extras.guard };
  await prepare();
  const host = await open();
  try {
    await using access = watchAccess(machine("test"));
    const { error, after } = await timed(host.perform([change(), ...steps], whole));
    report.accessBack(await access.outage());
    expect(error).toBeInstanceOf(ChangeUndone);
    expect(error.message).toContain("the change trial on test was undone: it cut us off");
    expect(after).toBeLessThan(whole.seconds + patience);
    expect((await host.look(["cat", path])).stdout).toBe("before");
    expect(await stands()).toBe(untouched);
    expect(await traces()).toBe("");
    report.seen(`${firstLine(error)}; the run knew after ${after.toFixed(1)} s and went on`);
    await besides?.(host, report);
  } finally {
    await host.close();
    if (undo !== undefined) await onHost(undo);
    await tidy();
  }
}
