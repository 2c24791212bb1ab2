import { DeadlineExceeded, StepFailed } from "./errors.ts";
import type { Output } from "./host.ts";
import { redact } from "./redact.ts";
import { type Ran, Refusal } from "./requests.ts";

/** Turns what the host refused into what a user reads; leaves everything else. */
export function refused(error: unknown, what: string): unknown {
  return error instanceof Refusal ? new StepFailed({ what, why: error.message }, { cause: error }) : error;
}

/** What a command's end is judged by. */
export interface Verdict {
  readonly what: string;
  readonly program: string;
  readonly exits: readonly number[];
  readonly deadline: number;
  /** Inputs that a command may quote in what it says. */
  readonly secrets: readonly string[];
  readonly hidden?: boolean;
}

/** The output of a command that ended as it may; throws `DeadlineExceeded` or `StepFailed` for any other. */
export function judged(ran: Ran, verdict: Verdict): Output {
  const { what, program, exits, deadline } = verdict;
  if (ran.late) {
    throw new DeadlineExceeded({ what, why: `${program} ran longer than ${deadline} s and was killed` });
  }
  if (!exits.includes(ran.code)) {
    const said = {
      code: ran.code,
      stderr: redact(ran.stderr, verdict.secrets),
      stdout: redact(ran.stdout, verdict.secrets),
    };
    throw stepFailed(what, program, said, verdict.hidden ?? false);
  }
  return { code: ran.code, stdout: ran.stdout, stderr: ran.stderr };
}

/** What a failed step looks like to a reader; `hidden` replaces whatever the command said. */
export function stepFailed(
  what: string,
  program: string,
  ran: { code?: number | undefined; stderr: string; stdout?: string },
  hidden: boolean,
): StepFailed {
  const said = hidden ? "[its output may hold a secret]" : tail(ran.stderr) || tail(ran.stdout ?? "");
  const ending = ran.code === undefined ? "" : ` (exit ${ran.code})`;
  return new StepFailed(
    { what, why: `${program}: ${said === "" ? "no word of explanation" : said}${ending}` },
    { code: ran.code, stderr: hidden ? "" : ran.stderr },
  );
}

function tail(said: string): string {
  return said.trim().split("\n").slice(-20).join("\n").slice(-2000);
}
