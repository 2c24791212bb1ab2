import { randomBytes } from "node:crypto";
import { hostname, userInfo } from "node:os";
import { Failure, reason } from "../failure.ts";
import type { Guard, Step } from "../step.ts";
import {
  Cancelled,
  ChangeInProgress,
  ChangeUndone,
  ConnectionLost,
  HostKeyMismatch,
  LoginRefused,
  StepFailed,
  SudoRefused,
} from "./errors.ts";
import { armScript, confirmScript, exits, forgetScript, undoneScript } from "./guard-texts.ts";
import { type GuardedChange, guardRoot } from "./guard-units.ts";
import type { Say } from "./host.ts";
import type { Exec, Ran } from "./requests.ts";
import { refused } from "./verdict.ts";

/** Something that runs commands as root on the host over one connection. */
export interface Line {
  readonly alive: boolean;
  exec(exec: Exec): Promise<Ran>;
}

/** What the guard needs of a host. */
export interface GuardedHost<L extends Line> {
  readonly name: string;
  readonly say: Say;
  /** The connection in use, reopened where it broke. */
  line(): Promise<L>;
  /** The connection in use, if it has not broken as far as we know. */
  oldLine(): L | undefined;
  /** A new TCP and SSH connection, with the full login; `seconds` for trying, 5 of them at most until the server answers. */
  newLine(seconds: number): Promise<L>;
  /** The same by the login that must confirm. */
  confirmingLine(seconds: number): Promise<L>;
  /** The account that must confirm and has not logged in yet, where it is not that of the connection in use. */
  unproven(): string | undefined;
  /** Makes a connection the one in use; the old one ends. */
  adopt(line: L): void;
  /** Ends a connection that is of no use. */
  discard(line: L): void;
  /** Carries out steps, none after `until` seconds since the host's boot. */
  steps(steps: readonly Step[], until: number): Promise<void>;
  /** Rejects with `Cancelled` when told to stop. */
  sleep(seconds: number): Promise<void>;
}

/** The part of the window in which steps may run; the rest is for confirming. */
const forSteps = 0.75;

/** Seconds beyond the window in which we look for a host that has undone its change: time for a reboot. */
const patience = 120;

/** Failures of a new connection that a further attempt would repeat, and be banned for. */
const final = [HostKeyMismatch, LoginRefused, SudoRefused];

/**
 * Carries out steps that can lock us out (design.md decision 6): saves, arms a restore on the host, runs the steps,
 * confirms over a new connection, and only then lets the restore go.
 *
 * Rejects with `ChangeInProgress` or `StepFailed` before anything changed; with a step's own error once the host is as it
 * was before; with `ChangeUndone` when the new connection failed, or the host's state is not known.
 */
export async function performGuarded<L extends Line>(
  host: GuardedHost<L>,
  steps: readonly Step[],
  guard: Guard,
): Promise<void> {
  const change: GuardedChange = {
    id: `${guard.name}-${randomBytes(4).toString("hex")}`,
    guard,
    seconds: guard.seconds ?? 60,
    by: `${userInfo().username}@${hostname()}`,
  };
  const began = performance.now();
  const { uptime, taken } = await arm(host, change);
  // Never later than the host's own count: our request began before its script did.
  const left = () => change.seconds + taken - (performance.now() - began) / 1000;
  try {
    await within(left(), host.steps(steps, uptime + change.seconds * forSteps));
  } catch (error) {
    if (error instanceof Cancelled) {
      host.say(
        "warning",
        `${host.name}: the host undoes the change ${change.id} by itself within ${Math.ceil(left())} s`,
      );
      throw error;
    }
    host.say("warning", `${host.name}: undoing the change ${change.id}, for it failed`);
    const state = await undone(host, change, left);
    if (state !== "undone") throw notKnown(host, change, inShort(error), error);
    // A step that failed speaks for itself. One that was never heard of again has cut us off.
    throw error instanceof ConnectionLost || error instanceof TookTooLong
      ? cutOff(host, change, inShort(error))
      : error;
  }
  const failed = await confirm(host, change, left);
  if (failed === undefined) return;
  host.say("warning", `${host.name}: not confirmed (${failed.why}); waiting until the change ${change.id} is undone`);
  const state = await undone(host, change, left);
  // The confirmation may have reached the host although its answer did not reach us.
  if (state === "gone" && failed.sent) return;
  if (state !== "undone") throw notKnown(host, change, failed.why);
  throw failed.goingDown ? wentDown(host, change, failed.why) : cutOff(host, change, failed.why);
}

/** When the window opened, in seconds since the host's boot, and how many seconds the preparation took until then. */
async function arm<L extends Line>(
  host: GuardedHost<L>,
  change: GuardedChange,
): Promise<{ uptime: number; taken: number }> {
  // It ends on the host even if we do not: half-way it would look like somebody else's change.
  const ran = await shell(await host.line(), armScript(change), 60).catch((error) => {
    throw refused(error, `could not prepare the change ${change.guard.name} on ${host.name}; nothing was changed`);
  });
  if (ran.code === exits.inProgress) {
    throw new ChangeInProgress({
      what: `will not change ${change.guard.name} on ${host.name} now: another change waits there for its confirmation`,
      why: ran.stdout.trim(),
      remedy: `Wait until it is confirmed or undone. If it stays: \`sh ${guardRoot}/current/restore\` on the host undoes it.`,
    });
  }
  const [begun = Number.NaN, uptime = Number.NaN] = ran.stdout.trim().split("\n").map(Number);
  if (ran.code !== 0 || Number.isNaN(uptime)) {
    throw new StepFailed(
      {
        what: `could not make sure that the change ${change.guard.name} on ${host.name} can be undone; nothing was changed`,
        why: `${ran.stderr.trim() || "the preparation failed without a word"} (exit ${ran.code})`,
      },
      ran,
    );
  }
  return { uptime, taken: uptime - begun };
}

/** Why a change is not kept. */
interface NotConfirmed {
  readonly why: string;
  /** A confirmation was sent, and what became of it is not known. */
  readonly sent: boolean;
  /** The host refused it, for it is on its way down. */
  readonly goingDown?: boolean;
}

/** `undefined` when the host keeps the change. */
async function confirm<L extends Line>(
  host: GuardedHost<L>,
  { id }: GuardedChange,
  left: () => number,
): Promise<NotConfirmed | undefined> {
  let why = "there was no time left";
  let sent = false;
  // Where nothing answers an attempt is short, so that several fit; where only the login is slow, it gets half of what is left,
  // for then a further one is as slow. The last one must end before the host decides.
  while (left() > 1) {
    let line: L | undefined;
    try {
      line = await host.confirmingLine(Math.min(left() - 0.5, Math.max(5, left() / 2)));
      const before = sent;
      sent = true;
      const ran = await within(left(), shell(line, confirmScript(id), 30));
      // Unknown the second time: the first one arrived, and only its answer was lost.
      if (ran.code === 0 || (ran.code === exits.unknown && before)) {
        host.adopt(line);
        return undefined;
      }
      host.discard(line);
      const goingDown = ran.code === exits.goingDown;
      // What was sent before may have been in time.
      return { why: refusal(ran), sent: goingDown && before, goingDown };
    } catch (error) {
      if (line !== undefined) host.discard(line);
      if (error instanceof Cancelled) throw error;
      why = inShort(error);
      if (final.some((kind) => error instanceof kind)) return { why, sent };
      await host.sleep(Math.max(0, Math.min(0.3, left())));
    }
  }
  return { why, sent };
}

function refusal(ran: Ran): string {
  if (ran.code === exits.undone) return "the confirmation came too late: the host had begun to undo it";
  if (ran.code === exits.another) return "another change waits for its confirmation";
  if (ran.code === exits.unknown) return "the host knows of no such change";
  if (ran.code === exits.goingDown)
    return "the host is on its way down, and a login now proves nothing of its next start";
  return `${ran.stderr.trim()} (exit ${ran.code})`;
}

/** Has the host undo the change, and waits for it: over the old connection while it lives, else over new ones. */
async function undone<L extends Line>(
  host: GuardedHost<L>,
  { id }: GuardedChange,
  left: () => number,
): Promise<"undone" | "gone" | "unknown"> {
  let old = host.oldLine();
  while (left() > -patience) {
    let line = old;
    try {
      line ??= await host.newLine(5);
      const ran = await within(6, shell(line, undoneScript(id, 4), 10));
      const state = ran.stdout.split("\n")[0];
      if (state !== "undone" && state !== "gone") {
        old = line;
        continue;
      }
      if (state === "undone") await within(6, shell(line, forgetScript(id), 30));
      host.adopt(line);
      return state;
    } catch (error) {
      if (line !== undefined) host.discard(line);
      if (error instanceof Cancelled) throw error;
      old = undefined;
      await host.sleep(0.5);
    }
  }
  return "unknown";
}

function cutOff<L extends Line>(host: GuardedHost<L>, { guard }: GuardedChange, why: string): ChangeUndone {
  const unproven = host.unproven();
  if (unproven !== undefined) {
    return new ChangeUndone({
      what: `the change ${guard.name} on ${host.name} was undone: ${unproven} could not log in with the key that is to last`,
      why,
      remedy: `The host is as it was before, and the way in that was used stays open. Give ${unproven} the public key that belongs to our private one (\`ssh-keygen -y -f FILE\` prints it), then run the update again.`,
    });
  }
  return new ChangeUndone({
    what: `the change ${guard.name} on ${host.name} was undone: it cut us off`,
    why,
    remedy: "The host is as it was before. Correct the setting that locks this machine out, then run the update again.",
  });
}

function wentDown<L extends Line>(host: GuardedHost<L>, { guard }: GuardedChange, why: string): ChangeUndone {
  return new ChangeUndone({
    what: `the change ${guard.name} on ${host.name} was undone: the host went down before it was confirmed`,
    why,
    remedy: "The host is as it was before. Run the update again once it is up.",
  });
}

function notKnown<L extends Line>(host: GuardedHost<L>, { guard }: GuardedChange, why: string, cause?: unknown) {
  return new ChangeUndone(
    {
      what: `the change ${guard.name} on ${host.name} failed, and the host does not answer whether it has undone it`,
      why,
      remedy: `It undoes it by itself, also after a reboot. On its console, \`journalctl -t onprem-guard\` tells, and \`sh ${guardRoot}/current/restore\` does it now.`,
    },
    { cause },
  );
}

/** An error in one line, without what to do about it: here something else is to be done. */
function inShort(error: unknown): string {
  return error instanceof Failure
    ? `${error.explanation.what}: ${error.explanation.why}`.replaceAll("\n", " ")
    : reason(error);
}

function shell(line: Line, script: string, deadline: number): Promise<Ran> {
  return line.exec({ mode: "survive", argv: ["/bin/sh", "-s"], stdin: script, deadline });
}

class TookTooLong extends Error {}

/** A promise that is given up after some seconds. */
async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => late.reject(new TookTooLong(`no answer for ${Math.ceil(seconds)} s`)),
    Math.max(0, seconds) * 1000,
  );
  work.catch(() => {});
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}
