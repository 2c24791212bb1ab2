import type { ClientChannel } from "ssh2";
import { redact } from "./redact.ts";

/** The words by which sudo's question and the program's readiness are told from whatever else a login prints. */
export interface SudoTalk {
  /** What sudo asks with: its option `-p`. Holds no `%`, which sudo would expand. */
  readonly prompt: string;
  /** What the program prints as soon as it runs, before it reads anything. */
  readonly ready: string;
}

export function sudoTalk(nonce: string): SudoTalk {
  return { prompt: `onprem-sudo-${nonce}:`, ready: `onprem-ready-${nonce}:` };
}

/**
 * Gives sudo the password if it asks, and resolves when the program runs. Only then may anything else be written to the
 * channel: what sudo took for a second try would count against the account (pam_faillock(8)). So a second question gets
 * no answer, and sudo ends.
 */
export function answerSudo(channel: ClientChannel, { prompt, ready }: SudoTalk, password: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  let [asked, out] = ["", ""];
  let answered = false;
  channel.stderr.on("data", (bytes: Buffer) => {
    asked += bytes.toString();
    while (asked.includes(prompt)) {
      asked = asked.slice(asked.indexOf(prompt) + prompt.length);
      if (answered) channel.end();
      else channel.write(`${password}\n`);
      answered = true;
    }
  });
  channel.on("data", (bytes: Buffer) => {
    out = (out + bytes.toString()).slice(-64 * 1024);
    if (out.includes(ready)) resolve();
  });
  return promise;
}

/** What sudo said after it was answered; its lecture and its questions are nothing to tell. */
export function saidBySudo(stderr: string, { prompt }: SudoTalk, password: string): string {
  const [before = "", ...after] = stderr.split(prompt);
  const said = (after.length === 0 ? before : after.join("")).trim();
  return redact(said, [password]);
}
