import type { Host, InspectOptions, LookOptions, Output, PathSeen } from "../../../infra/provider/host/host.ts";
import type { Guard, Step } from "../../../infra/provider/step.ts";

/** What stands at a path of a fake host; what is left out is an ordinary file of root's. `null`: nothing stands there. */
export type Standing = (Partial<Omit<PathSeen, "content">> & { readonly content?: string | Uint8Array }) | null;

/** What a fake host answers. */
export interface Answers {
  /** Standard output, or more, by the words of the command joined by spaces. */
  readonly looks?: Readonly<Record<string, string | Partial<Output>>>;
  /** What stands at each path that is looked at. */
  readonly paths?: Readonly<Record<string, Standing>>;
}

/** A host of canned answers. A look it has no answer for is an error, so that tests name each one. */
export class FakeHost implements Host {
  readonly name = "dev.example.dk";
  readonly user = "root";
  readonly performed: { readonly steps: readonly Step[]; readonly guard?: Guard }[] = [];
  readonly #answers: Answers;

  constructor(answers: Answers) {
    this.#answers = answers;
  }

  async look(argv: readonly string[], { exits = [0] }: LookOptions = {}): Promise<Output> {
    const answer = this.#answers.looks?.[argv.join(" ")];
    if (answer === undefined) throw new Error(`the fake host has no answer to: ${argv.join(" ")}`);
    const output = { code: 0, stdout: "", stderr: "", ...(typeof answer === "string" ? { stdout: answer } : answer) };
    if (!exits.includes(output.code)) throw new Error(`${argv.join(" ")}: exit ${output.code}: ${output.stderr}`);
    return output;
  }

  async inspect(path: string, { content = 0, recursive = false }: InspectOptions = {}): Promise<readonly PathSeen[]> {
    const paths = this.#answers.paths ?? {};
    if (!(path in paths)) throw new Error(`the fake host does not know what stands at ${path}`);
    const found = Object.keys(paths).filter((at) => at === path || (recursive && at.startsWith(`${path}/`)));
    return found.sort().flatMap((at) => standing(at, paths[at] ?? null, content));
  }

  async perform(steps: readonly Step[], guard?: Guard): Promise<void> {
    this.performed.push({ steps, ...(guard === undefined ? {} : { guard }) });
  }
}

function standing(path: string, given: Standing, limit: number): PathSeen[] {
  if (given === null) return [];
  const { content, ...rest } = given;
  const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
  const base = { path, type: "file", owner: "root", group: "root", mode: "0644", mtime: 0 } as const;
  const carried = bytes !== undefined && bytes.length <= limit ? { content: bytes } : {};
  return [{ ...base, size: bytes?.length ?? 0, ...rest, ...carried }];
}
