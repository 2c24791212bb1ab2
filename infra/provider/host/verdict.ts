import { DeadlineExceeded, StepFailed } from "./errors.ts";
import type { Output } from "./host.ts";
import { redact } from "./redact.ts";
import { type Ran, Refusal } from "./requests.ts";

/** Characters of a failed command's output that an error keeps. */
const longest = 16_384;

/** 128 and SIGKILL: how we, and shells, tell that a program was killed without a word. */
const killed = 137;

const lookForKiller =
  "Something on the host killed it, most often because memory ran out: `journalctl -k` or `dmesg` tell.";

/** Turns what the host refused into what a user reads; leaves everything else. @param path What was to be written. */
export function refused(error: unknown, what: string, path?: string): unknown {
  if (!(error instanceof Refusal)) return error;
  const remedy = path === undefined ? undefined : remedies[error.errno ?? ""]?.(path, folderOf(path));
  return new StepFailed({ what, why: error.message, ...(remedy && { remedy }) }, { cause: error });
}

/** What can be done where writing met an error of the system, by its name in errno(3). */
const remedies: Readonly<Record<string, (path: string, folder: string) => string>> = {
  EDQUOT: (_, folder) =>
    `The owner's quota is used up: raise it, or make room in ${folder}, then run the update again.`,
  ENOSPC: (_, folder) =>
    `Make room there (\`df -h ${folder}\` shows the space, \`df -i ${folder}\` the inodes), then run the update again.`,
  EPERM: (path, folder) =>
    `An attribute may forbid it (\`lsattr -d ${folder} ${path}\`; \`chattr -i\` takes it away); then run the update again.`,
  EROFS: (_, folder) =>
    `It is mounted read-only (\`findmnt -T ${folder}\`; \`dmesg\` may say why): make it writable, then run the update again.`,
};

function folderOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/")) || "/";
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
  /** Whether a guard may have cut the deadline short. */
  readonly guarded?: boolean;
  /** What to do about an exit code. */
  readonly remedies?: Readonly<Record<number, string>>;
}

/** The output of a command that ended as it may; throws `DeadlineExceeded` or `StepFailed` for any other. */
export function judged(ran: Ran, verdict: Verdict): Output {
  const { what, program, exits, deadline, hidden = false, remedies } = verdict;
  if (!ran.late && exits.includes(ran.code)) return { code: ran.code, stdout: ran.stdout, stderr: ran.stderr };
  const [stderr, stdout] = [ran.stderr, ran.stdout].map((text) => redact(lastLines(text), verdict.secrets));
  if (!ran.late)
    throw stepFailed(what, program, { code: ran.code, stderr: stderr ?? "", stdout: stdout ?? "" }, hidden, remedies);
  const guarded = verdict.guarded ? ", less under a guard, for what it does must be undone in time" : "";
  const said = hidden || stderr === undefined ? "" : `\n${tail(stderr)}`;
  const why = `${program} was killed, for it did not end in time (${deadline} s${guarded})${said}`;
  throw new DeadlineExceeded({ what, why: why.trimEnd() });
}

/** What a failed step looks like to a reader; `hidden` replaces whatever the command said. */
export function stepFailed(
  what: string,
  program: string,
  ran: { code?: number | undefined; stderr: string; stdout?: string },
  hidden: boolean,
  remedies: Readonly<Record<number, string>> = {},
): StepFailed {
  const said = hidden ? "[its output may hold a secret]" : tail(ran.stderr) || tail(ran.stdout ?? "");
  const ending = ran.code === undefined ? "" : ` (exit ${ran.code})`;
  const remedy = remedies[ran.code ?? 0] ?? (ran.code === killed ? lookForKiller : undefined);
  const silence = ran.code === killed ? "it was killed" : "no word of explanation";
  return new StepFailed(
    {
      what,
      why: `${program}: ${said === "" ? silence : said}${ending}`,
      ...(remedy !== undefined && { remedy }),
    },
    { code: ran.code, stderr: hidden ? "" : ran.stderr },
  );
}

/** The end of a text, in whole lines: half a line may be half a secret, which nothing would recognise. */
function lastLines(text: string): string {
  if (text.length <= longest) return text;
  const end = text.slice(-longest);
  const at = end.indexOf("\n");
  return at < 0 ? "" : end.slice(at + 1);
}

function tail(said: string): string {
  return said.trim().split("\n").slice(-20).join("\n").slice(-2000);
}
