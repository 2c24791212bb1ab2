import { type Explanation, Failure } from "../failure.ts";
import type { HostKey } from "./host-key.ts";

/** No host key is pinned, or what is pinned is no key. Nothing was sent. */
export class NotTrusted extends Failure {
  override readonly name = "NotTrusted";
  constructor(host: string, why: string) {
    super({
      what: `will not connect to ${host}`,
      why,
      remedy: "Record the server's key with `npm run trust -- STACK`, and compare the fingerprint that it shows.",
    });
  }
}

/** The server proved another key than the pinned one. Nothing but the key exchange took place. */
export class HostKeyMismatch extends Failure {
  override readonly name = "HostKeyMismatch";
  constructor(host: string, pinned: readonly HostKey[], seen: HostKey | undefined) {
    const shown = (key: HostKey) => `${key.type} ${key.fingerprint}`;
    const got = seen === undefined ? "no key of a pinned type" : shown(seen);
    super({
      what: `the host key of ${host} is not the one that was recorded`,
      why: `the server has ${got}\nrecorded is    ${pinned.map(shown).join(", ")}`,
      remedy:
        "If the server was reinstalled, check the fingerprint on its console, then run `npm run trust -- STACK --replace`; if not, somebody may be in between.",
    });
  }
}

/** Nothing answered within the dial timeout, or an answer makes waiting useless. */
export class Unreachable extends Failure {
  override readonly name = "Unreachable";
}

/** The server refused us, or we have nothing to show. Never tried again: repeated failures get a source banned. */
export class LoginRefused extends Failure {
  override readonly name = "LoginRefused";
  /** `host:port` of the SSH server that said no; `undefined` where none was asked. */
  readonly by: string | undefined;

  constructor(explanation: Explanation, { by, cause }: { by?: string; cause?: unknown } = {}) {
    super(explanation, { cause });
    this.by = by;
  }
}

/** Logged in, but `sudo` did not give root. */
export class SudoRefused extends Failure {
  override readonly name = "SudoRefused";

  /** @param password The password that sudo was, or could have been, answered with. */
  constructor(host: string, user: string, said: string, password?: { readonly from: string; readonly text?: string }) {
    const rule = `Put this line into /etc/sudoers.d/${user} on the host (with visudo): ${user} ALL=(ALL) NOPASSWD: ALL`;
    const remedies = {
      none: rule,
      missing: `Set ${password?.from} to the password of ${user}, for this run alone.`,
      wrong: `Is the password in ${password?.from} that of ${user}, and may ${user} use sudo?`,
    };
    super({
      what: `${user} on ${host} cannot become root`,
      why: said === "" ? "sudo refused without a word" : said,
      remedy: remedies[password === undefined ? "none" : password.text === undefined ? "missing" : "wrong"],
    });
  }
}

/** Logged in, but nothing can be run there: perl is missing, the account has a forced command, … */
export class HostUnusable extends Failure {
  override readonly name = "HostUnusable";
}

/** A command ended otherwise than it should, or a file could not be written. Holds no input and no content. */
export class StepFailed extends Failure {
  override readonly name = "StepFailed";
  /** The exit code; `undefined` where no command was run or a signal ended it. */
  readonly code: number | undefined;
  /** The end of what the command wrote to standard error. */
  readonly stderr: string;

  constructor(
    explanation: { what: string; why: string; remedy?: string },
    details: { code?: number | undefined; stderr?: string; cause?: unknown } = {},
  ) {
    super(explanation, { cause: details.cause });
    this.code = details.code;
    this.stderr = details.stderr ?? "";
  }
}

/** A command ran longer than it may; it and its children were killed. */
export class DeadlineExceeded extends Failure {
  override readonly name = "DeadlineExceeded";
}

/** The connection broke; `why` says which step may have run. */
export class ConnectionLost extends Failure {
  override readonly name = "ConnectionLost";
}

/** We were told to stop. */
export class Cancelled extends Failure {
  override readonly name = "Cancelled";
  constructor(host: string) {
    super({ what: `stopped working on ${host}`, why: "the run was cancelled" });
  }
}

/** Another guarded change waits for its confirmation on that host. Nothing was changed. */
export class ChangeInProgress extends Failure {
  override readonly name = "ChangeInProgress";
}

/** A guarded change was not confirmed, or failed; `why` says what is known about the host's state. */
export class ChangeUndone extends Failure {
  override readonly name = "ChangeUndone";
}
