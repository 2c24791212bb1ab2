import type { Answer, Check } from "./checks.ts";

/** Whether a check holds, and in words what was found. */
export interface Verdict {
  readonly check: Check;
  readonly answer: Answer;
  readonly holds: boolean;
  readonly said: string;
}

/** What an answer means for a check. Pure. */
export function judge(check: Check, answer: Answer): Verdict {
  const { allowed, from, attempt } = check;
  const said = allowed ? wanted(answer, from, attempt.protocol) : unwanted(answer, check.why ?? "");
  return { check, answer, ...said };
}

function wanted(answer: Answer, from: Check["from"], protocol: "tcp" | "udp"): { holds: boolean; said: string } {
  switch (answer) {
    case "open":
      return { holds: true, said: "open" };
    case "refused":
      // The packet got there and back: no firewall is in the way.
      return from === "here"
        ? { holds: true, said: "gets through; nothing listens there yet" }
        : { holds: false, said: "gets through, but nothing listens at the other end: is that the right address?" };
    case "no route":
      return { holds: false, said: "there is no route to it" };
    case "silent":
      return {
        holds: false,
        said:
          protocol === "tcp"
            ? "filtered: a firewall in between drops it"
            : "no answer: a firewall in between drops it, or nobody is there",
      };
  }
}

function unwanted(answer: Answer, why: string): { holds: boolean; said: string } {
  if (answer === "silent" || answer === "no route") return { holds: true, said: `filtered, as it should be: ${why}` };
  return { holds: false, said: `${answer === "open" ? "open" : "gets through"}, and should not be: ${why}` };
}

/** A verdict as one line. */
export function line({ check, holds, said }: Verdict): string {
  const { protocol, address, port } = check.attempt;
  const where = check.from === "here" ? `${port}/${protocol}` : `${address} ${port}/${protocol}`;
  return `  ${holds ? "ok    " : "FAILED"}  ${check.name.padEnd(10)}  ${where.padEnd(28)}  ${said}`;
}
