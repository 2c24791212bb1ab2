import { cp, mkdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { finish, lastWords } from "../../command.ts";
import { ScriptError } from "../../script-error.ts";
import type { Bench, Call, PeerState } from "../peer.ts";
import type { Work } from "../work.ts";

/** A stack of one peer and one work: its state is a folder, as the README's lab has it. */
export class PulumiProject implements PeerState {
  readonly #peer: string;
  readonly #folder: string;
  readonly #project: string;

  /** @param folder Where the program is. @param project Its name in Pulumi.yaml. */
  constructor(peer: string, folder: string, project: string) {
    this.#peer = peer;
    this.#folder = folder;
    this.#project = project;
  }

  /** One `pulumi up` of a program that reads what it wants from a file. */
  async up(bench: Bench, work: Work, program: unknown): Promise<Call> {
    const places = this.#places(bench, work);
    if (!(await exists(places.empty))) await this.#init(bench, work);
    await writeFile(places.program, JSON.stringify(program));
    const options = ["--stack", "bench", "--config-file", join(places.stub, "Pulumi.bench.yaml")];
    return {
      words: ["pulumi", "up", "--non-interactive", "--yes", "--skip-preview", "-C", this.#folder, ...options],
      env: { ...this.#env(bench, work), BENCH_PROGRAM: places.program },
      cwd: places.folder,
    };
  }

  async forget(bench: Bench, work: Work): Promise<void> {
    const places = this.#places(bench, work);
    await rm(places.kept, { recursive: true, force: true });
    if (await exists(places.empty)) await replace(places.state, places.empty);
  }

  async keep(bench: Bench, work: Work): Promise<void> {
    const places = this.#places(bench, work);
    await replace(places.kept, places.state);
  }

  async restore(bench: Bench, work: Work): Promise<boolean> {
    const places = this.#places(bench, work);
    if (!(await exists(places.kept))) return false;
    await replace(places.state, places.kept);
    return true;
  }

  /** The stack is made from a stub of the project: `stack init` writes its salt beside Pulumi.yaml, and ours is in the source tree. */
  async #init(bench: Bench, work: Work): Promise<void> {
    const places = this.#places(bench, work);
    for (const folder of [places.state, places.stub]) await mkdir(folder, { recursive: true });
    await writeFile(join(places.stub, "Pulumi.yaml"), `name: ${this.#project}\nruntime: nodejs\n`);
    const ran = await finish(["pulumi", "--non-interactive", "-C", places.stub, "stack", "init", "bench"], {
      env: this.#env(bench, work),
      signal: bench.signal,
    });
    if (ran.code !== 0) throw new ScriptError(`the stack of ${this.#peer} could not be made`, lastWords(ran));
    await replace(places.empty, places.state);
  }

  #env(bench: Bench, work: Work): NodeJS.ProcessEnv {
    const { PULUMI_CONFIG_PASSPHRASE_FILE: _, PULUMI_STACK: __, ...rest } = bench.engineEnv;
    return {
      ...rest,
      PULUMI_BACKEND_URL: `file://${this.#places(bench, work).state}`,
      PULUMI_CONFIG_PASSPHRASE: "of the benchmark",
    };
  }

  #places(bench: Bench, work: Work) {
    const folder = join(bench.folder, `${this.#peer}-${work}`);
    return {
      folder,
      state: join(folder, "state"),
      /** The state before the first run. */
      empty: join(folder, "empty"),
      /** The state after the first run. */
      kept: join(folder, "kept"),
      stub: join(folder, "stub"),
      program: join(folder, "program.json"),
    };
  }
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function replace(target: string, source: string): Promise<void> {
  await rm(target, { recursive: true, force: true });
  await cp(source, target, { recursive: true });
}
