import type { InspectOptions, PathSeen } from "../../../infra/provider/host/host.ts";
import type { Step } from "../../../infra/provider/step.ts";
import { FakeHost } from "./fake-host.ts";

/** A host that has the files that are written to it: `write`, `rm` and `mv` are done, all else is noted alone. */
export class NotedHost extends FakeHost {
  /** By path. */
  readonly files: Map<string, string>;
  /** Called before each step; what it throws is the step's failure, as of a run that is killed there. */
  before: (step: Step) => void = () => undefined;

  constructor(files: Readonly<Record<string, string>> = {}) {
    super({});
    this.files = new Map(Object.entries(files));
  }

  override async inspect(path: string, { content = 0 }: InspectOptions = {}): Promise<readonly PathSeen[]> {
    const paths = { [path]: this.files.has(path) ? { content: this.files.get(path) ?? "", mode: "0600" } : null };
    return new FakeHost({ paths }).inspect(path, { content });
  }

  override async perform(steps: readonly Step[]): Promise<void> {
    for (const step of steps) {
      this.before(step);
      await super.perform([step]);
      if (step.do === "write") this.files.set(step.path, String(step.content));
      if (step.do !== "run") continue;
      const [program, ...words] = step.argv;
      const [from = "", to = ""] = words.filter((word) => word.startsWith("/"));
      const content = this.files.get(from);
      if (program === "rm" || program === "mv") this.files.delete(from);
      if (program === "mv" && content !== undefined) this.files.set(to, content);
    }
  }
}
