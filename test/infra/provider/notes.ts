import { z } from "zod";
import { Failure } from "../../../infra/provider/failure.ts";
import { byFields } from "../../../infra/provider/fields.ts";
import type { Host, Output, PathSeen } from "../../../infra/provider/host/host.ts";
import type { Kind } from "../../../infra/provider/kind.ts";
import { type Guard, run, type Step } from "../../../infra/provider/step.ts";

/** A host that keeps notes by name: `look(["read", name])`, and steps `["write", name, text]` and `["erase", name]`. */
export class NotesHost implements Host {
  readonly name = "dev.example.dk";
  readonly user = "root";
  readonly notes = new Map<string, string>();
  readonly performed: { readonly titles: readonly string[]; readonly guard?: string }[] = [];
  /** What happens instead of the step with this title; nothing further runs when it throws. */
  readonly instead = new Map<string, () => void>();
  /** What was begun and not ended, by path. */
  readonly begun = new Map<string, string>();
  /** Thrown by every look. */
  blind: Error | undefined;
  closed = false;

  async look(argv: readonly string[]): Promise<Output> {
    if (this.blind !== undefined) throw this.blind;
    const note = this.notes.get(argv[1] ?? "");
    return { code: note === undefined ? 1 : 0, stdout: note ?? "", stderr: "" };
  }

  async inspect(path: string): Promise<readonly PathSeen[]> {
    const text = this.begun.get(path);
    if (text === undefined) return [];
    const content = new TextEncoder().encode(text);
    const file = { type: "file", owner: "root", group: "root", mode: "0600", mtime: 0 } as const;
    return [{ path, ...file, size: content.length, content }];
  }

  async perform(steps: readonly Step[], guard?: Guard): Promise<void> {
    this.performed.push({
      titles: steps.map(({ title }) => title),
      ...(guard === undefined ? {} : { guard: guard.name }),
    });
    for (const step of steps) {
      if (step.do === "act") {
        await step.act({ host: this, say: () => undefined, signal: new AbortController().signal });
        continue;
      }
      if (step.do !== "run") throw new Failure({ what: "cannot write files", why: "this host keeps notes" });
      const instead = this.instead.get(step.title);
      const path = step.argv.at(-1) ?? "";
      if (instead !== undefined) instead();
      else if (step.title === "note what is begun") this.begun.set(path, step.stdin ?? "");
      else if (step.title === "forget what was begun") this.begun.delete(path);
      else if (step.argv[0] === "write") this.notes.set(step.argv[1] ?? "", step.argv[2] ?? "");
      else this.notes.delete(step.argv[1] ?? "");
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }
}

export interface NoteWant {
  note: string;
  text: string;
  tags: string[];
}

export interface NoteSeen {
  note: string;
  text: string;
  /** Not an input, and it tells of the text. */
  length: number;
}

/** The kind for a note: the smallest that has every part of a kind. Nobody may change the note `holy`; a text `odd` is warned of. */
export const noteKind: Kind<NoteWant, NoteSeen, { before: string }> = {
  type: "onprem:test:Note",
  summary: "A note.",
  fields: { note: z.string().min(1), text: z.string().default("empty"), tags: z.array(z.string()).default([]) },
  identity: ["note"],
  confidential: ["text", "tags"],
  check: byFields({
    note: z.string().min(1),
    text: z.string().default("empty"),
    tags: z.array(z.string()).default([]),
  }),
  named: (id) => (id.includes(" ") ? undefined : { note: id }),
  async observe(host, { note = "" }) {
    const { code, stdout } = await host.look(["read", note]);
    return code === 0 ? { note, text: stdout, length: stdout.length } : undefined;
  },
  plan: ({ note, text }, seen) =>
    seen?.text === text ? [] : [run(`write ${note}`, ["write", note, text], { property: "text" })],
  remove: ({ note }, memory) => [
    memory === undefined || memory.before === ""
      ? run(`erase ${note}`, ["erase", note])
      : run(`put ${note} back`, ["write", note, memory.before]),
  ],
  refuse: ({ note }) => (note === "holy" ? { why: "it is holy", remedy: "Take another." } : undefined),
  warn: ({ text }) => (text === "odd" ? ["that is odd"] : []),
  foresee: ({ text }) => ({ length: text.length }),
  remember: (_, seen, memory) => memory ?? { before: seen?.text ?? "" },
  guard: (want) => (want?.text === "risky" ? { name: "note", files: [], restore: [] } : undefined),
};
