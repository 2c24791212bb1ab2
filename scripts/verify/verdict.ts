import type { Answer, Check, Untried } from "./checks.ts";

/** What a check came to, and in words what was found. `unsure`: the answer can mean both. */
export interface Verdict {
  readonly check: Check;
  readonly answer: Answer;
  readonly verdict: "ok" | "failed" | "unsure";
  readonly said: string;
}

/** What is known of the server beside an answer. */
export interface Known {
  /** Whether the server is there: it was logged in to, or opened a port. Else silence may be that of nobody. */
  readonly up: boolean;
  /** Whether it says itself that something listens on the port that was tried; left out where it was not asked. */
  readonly listens?: boolean;
}

type Judged = readonly [Verdict["verdict"], said: string];

/** What an answer means for a check. Pure. */
export function judge(check: Check, answer: Answer, known: Known): Verdict {
  const [verdict, said] = check.allowed ? wanted(check, answer, known) : unwanted(answer, check.why ?? "", known);
  return { check, answer, verdict, said };
}

function wanted(check: Check, answer: Answer, known: Known): Judged {
  switch (answer) {
    case "open":
      return ["ok", "open"];
    case "refused":
      return refused(check, known);
    case "no route":
      return ["failed", "there is no route to it"];
    case "silent":
      return ["failed", silent(check, known)];
  }
}

/** What is to blame for silence: surely a firewall only where the server is there. */
function silent({ from, attempt }: Check, { up }: Known): string {
  if (from === "here") {
    return up ? "filtered: a firewall drops it" : "no answer: a firewall drops it, or the server is not there";
  }
  const word = attempt.protocol === "tcp" ? "filtered" : "no answer";
  return `${word}: a firewall in between drops it, or nobody is there`;
}

/** A reset comes from the server where nothing listens, and looks the same from a firewall that rejects. */
function refused({ from, name }: Check, { listens }: Known): Judged {
  if (from === "server")
    return ["failed", "refused: a firewall in between rejects it, or nothing listens at the other end"];
  if (name === "ssh") return ["failed", "refused: a firewall in between rejects it, or no SSH server runs"];
  if (listens === undefined)
    return ["unsure", "refused: nothing listens there yet, or a firewall in between rejects it"];
  return listens
    ? ["failed", "refused, though the server listens: a firewall rejects it"]
    : ["unsure", "refused: nothing listens on the server yet; try again when the application is there"];
}

function unwanted(answer: Answer, why: string, { up, listens }: Known): Judged {
  switch (answer) {
    case "open":
      return ["failed", `open, and should not be: ${why}`];
    case "refused":
      return listens
        ? ["ok", `rejected by a firewall, closed as it should be: ${why}`]
        : ["failed", `refused, and should be dropped: it gets through, or a firewall in between rejects it: ${why}`];
    case "silent":
    case "no route":
      return up
        ? ["ok", `filtered, as it should be: ${why}`]
        : ["unsure", `no answer: filtered as it should be, or the server is not there: ${why}`];
  }
}

const words = { ok: "ok", failed: "FAILED", unsure: "unsure" } as const;

/** A verdict as one line. */
export function line({ check, verdict, said }: Verdict): string {
  const { protocol, address, port } = check.attempt;
  return row(
    words[verdict],
    check.name,
    check.from === "here" ? `${port}/${protocol}` : `${address} ${port}/${protocol}`,
    said,
  );
}

/** What could not be tried, as one line. */
export function untriedLine({ name, what, why }: Untried): string {
  return row("untried", name, what, why);
}

function row(word: string, name: string, what: string, said: string): string {
  return `  ${word.padEnd(7)} ${name.padEnd(10)}  ${what.padEnd(28)}  ${said}`;
}

/** All of it as one line, which says "all" only where nothing failed or is unsure. @param untried How many could not be tried. */
export function summary(verdicts: readonly Pick<Verdict, "verdict">[], untried: number): string {
  const count = (wanted: Verdict["verdict"]) => verdicts.filter(({ verdict }) => verdict === wanted).length;
  const [all, failed, unsure] = [verdicts.length, count("failed"), count("unsure")];
  const parts = [
    ...(failed > 0 ? [`${failed} of ${all} not as requested`] : []),
    ...(failed === 0 && unsure > 0 ? [`${all - unsure} of ${all} as requested, none failed`] : []),
    ...(failed === 0 && unsure === 0 && all > 0 ? [`all ${all} that were tried are as requested`] : []),
    ...(unsure > 0 ? [`${unsure} unsure`] : []),
    ...(untried > 0 ? [`${untried} could not be tried`] : []),
  ];
  return parts.join("; ");
}
