import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import type { Declared } from "./project/index.ts";

/** What one run of the engine did, or would do. */
export interface Run {
  readonly code: number;
  /** Operation by resource name, of those that are not `same`; refreshes and reads left out. */
  readonly changes: Record<string, string>;
  /** Property paths that differed, by resource name. */
  readonly diffs: Record<string, string[]>;
  /** Error messages, each as the user reads it. */
  readonly errors: string[];
  readonly warnings: string[];
  /** Everything that the engine printed: the event stream and standard error. */
  readonly output: string;
  /** Milliseconds. */
  readonly took: number;
}

/** Where a stack finds the engine and how it is called. */
export interface StackOptions {
  /** Environment with `pulumi` and Node 24 on PATH. */
  readonly env: NodeJS.ProcessEnv;
  /** The provider's configuration. */
  readonly connection: Record<string, unknown>;
  /** Secrets of the configuration by key. */
  readonly secrets?: Record<string, string>;
  /** Where the state is kept, as `pulumi login` takes it. @default a folder of the stack's own */
  readonly backend?: string;
}

const project = new URL("./project/", import.meta.url).pathname;

/** A stack of the test program with a folder of its own as back end. Dispose it: `await using stack = ...`. */
export class Stack implements AsyncDisposable {
  readonly folder: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #options: StackOptions;

  private constructor(folder: string, options: StackOptions) {
    this.folder = folder;
    this.#options = options;
    this.#env = {
      ...options.env,
      PULUMI_BACKEND_URL: options.backend ?? `file://${folder}`,
      PULUMI_CONFIG_PASSPHRASE: "only for this test",
      PULUMI_SKIP_UPDATE_CHECK: "1",
      LAB_TESTS_PROGRAM: join(folder, "program.json"),
    };
  }

  static async create(options: StackOptions): Promise<Stack> {
    const stack = new Stack(await mkdtemp(join(tmpdir(), "onprem-stack-")), options);
    await stack.init();
    for (const [key, value] of Object.entries(options.secrets ?? {})) {
      const words = ["config", "set", "--stack", stack.name, "--secret", `lab-tests:${key}`];
      const { code, stderr } = await stack.#start(words, value).finished;
      if (code !== 0) throw new Error(`pulumi config set ${key} failed: ${stderr}`);
    }
    return stack;
  }

  /**
   * Makes the stack in its back end, also anew where its state was lost. `stack init` knows no `--config-file` and leaves its salt
   * in the project's folder: it moves from there, the first time.
   */
  async init(): Promise<void> {
    const finished = await start(["pulumi", "-C", project, "stack", "init", this.name], this.#env).finished;
    if (finished.code !== 0) throw new Error(`pulumi stack init failed: ${finished.stderr}`);
    const made = join(project, `Pulumi.${this.name}.yaml`);
    if (!existsSync(this.#configFile)) await copyFile(made, this.#configFile);
    await rm(made, { force: true });
  }

  preview(resources: Declared[], ...flags: string[]): Promise<Run> {
    return this.#operate("preview", resources, flags);
  }

  up(resources: Declared[], ...flags: string[]): Promise<Run> {
    return this.#operate("up", resources, ["--yes", "--skip-preview", ...flags]);
  }

  async destroy(): Promise<Run> {
    return summary(await this.pulumi("destroy", "--yes", "--skip-preview", "--stack", this.name, "--json"));
  }

  /** The state as anybody with the back end's folder can export it. */
  async export(): Promise<string> {
    return (await this.#must("stack", "export", "--stack", this.name)).stdout;
  }

  async import(type: string, name: string, id: string): Promise<Run> {
    const provider = /urn:[^\s"]*providers:onprem::server/.exec(await this.export())?.[0];
    const flags = [
      "--yes",
      "--skip-preview",
      "--generate-code=false",
      "--protect=false",
      "--stack",
      this.name,
      "--json",
    ];
    return summary(await this.pulumi("import", type, name, id, "--provider", `server=${provider}`, ...flags));
  }

  /** The files by which runs lock the stack, where the back end is a folder: what they hold. */
  async locks(): Promise<string[]> {
    const folder = join(this.folder, ".pulumi", "locks", "organization", "lab-tests", this.name);
    const names = await readdir(folder).catch(() => []);
    const locks = names.filter((name) => name.endsWith(".json"));
    return Promise.all(locks.map((name) => readFile(join(folder, name), "utf8")));
  }

  /** Calls the engine with any words. */
  async pulumi(...words: string[]): Promise<Finished> {
    return this.#start(words).finished;
  }

  /** Starts an update and leaves it running, for tests that interrupt it. */
  async begin(resources: Declared[], ...flags: string[]): Promise<Running> {
    await this.#declare(resources);
    return this.#start(["up", "--yes", "--skip-preview", "--stack", this.name, "--json", ...flags]);
  }

  /** What an update that was begun has done. */
  outcome(finished: Finished): Run {
    return summary(finished);
  }

  /** The configuration file stands in the stack's own folder. */
  #start([operation = "", ...rest]: string[], stdin?: string): Running {
    const group = operation === "config" || operation === "stack" ? [operation, rest.shift() ?? ""] : [operation];
    // The commands about the stack itself know no such flag.
    const configured = ["stack", "cancel"].includes(operation) ? [] : ["--config-file", this.#configFile];
    return start(["pulumi", ...group, "--non-interactive", "-C", project, ...configured, ...rest], this.#env, stdin);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }

  /** The stack's name, for commands that are given one. */
  get name(): string {
    return basename(this.folder).toLowerCase();
  }

  get #configFile(): string {
    return join(this.folder, "Pulumi.yaml");
  }

  get #program(): string {
    return join(this.folder, "program.json");
  }

  async #operate(operation: string, resources: Declared[], flags: string[]): Promise<Run> {
    await this.#declare(resources);
    return summary(await this.pulumi(operation, "--stack", this.name, "--json", ...flags), operation);
  }

  /** The program reads a file and not configuration: setting configuration takes the engine half a second a key. */
  async #declare(resources: Declared[]): Promise<void> {
    await writeFile(this.#program, JSON.stringify({ connection: this.#options.connection, resources }));
  }

  async #must(...words: string[]): Promise<Finished> {
    const finished = await this.pulumi(...words);
    if (finished.code !== 0) throw new Error(`pulumi ${words.slice(0, 3).join(" ")} failed: ${finished.stderr}`);
    return finished;
  }
}

/** What a call of the engine left behind. */
export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly took: number;
}

interface Running {
  readonly pid: number;
  readonly finished: Promise<Finished>;
}

function start(words: string[], env: NodeJS.ProcessEnv, stdin = ""): Running {
  const [program = "", ...args] = words;
  const began = performance.now();
  // A process group of its own, as a shell gives to what it starts: tests send Ctrl-C to it.
  const child = spawn(program, args, { env, stdio: ["pipe", "pipe", "pipe"], detached: true });
  child.stdin.end(stdin);
  const finished = new Promise<Finished>((resolve, reject) => {
    const out = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out.stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (out.stderr += text));
    child.on("error", reject);
    child.on("close", (code) => resolve({ ...out, code: code ?? -1, took: performance.now() - began }));
  });
  return { pid: child.pid ?? -1, finished };
}

interface Step {
  op: string;
  urn: string;
  detailedDiff: Record<string, unknown> | null;
}

function summary(finished: Finished, operation = "up"): Run {
  const { steps, diagnostics } = operation === "preview" ? previewed(finished.stdout) : streamed(finished.stdout);
  const changed = steps.filter(({ op }) => !["same", "refresh", "read"].includes(op));
  const name = (step: Step) => step.urn.split("::").slice(3).join("::");
  const texts = (severity: string) =>
    diagnostics
      .filter((found) => found.severity.startsWith(severity))
      .map(({ message }) => message.trim().replace(/^(error: |warning: )?(Preview failed: )?/, ""))
      // The engine's closing words, which add nothing to the errors before them.
      .filter((message) => !/^(update|preview) failed$/.test(message));
  return {
    code: finished.code,
    changes: Object.fromEntries(changed.filter(ours).map((step) => [name(step), step.op])),
    diffs: Object.fromEntries(
      changed
        .filter((step) => ours(step) && step.detailedDiff)
        .map((step) => [name(step), Object.keys(step.detailedDiff ?? {}).sort()]),
    ),
    errors: texts("error"),
    warnings: texts("warning"),
    output: finished.stdout + finished.stderr,
    took: finished.took,
  };
}

/** A resource of a component's has the component's type before its own. */
function ours(step: Step): boolean {
  return /(::|\$)(onprem|command):/.test(step.urn);
}

interface Diagnostic {
  severity: string;
  message: string;
}

function previewed(stdout: string): { steps: Step[]; diagnostics: Diagnostic[] } {
  if (!stdout.trimStart().startsWith("{")) return { steps: [], diagnostics: [] };
  const { steps = [], diagnostics = [] } = JSON.parse(stdout) as { steps?: Step[]; diagnostics?: Diagnostic[] };
  return { steps, diagnostics };
}

function streamed(stdout: string): { steps: Step[]; diagnostics: Diagnostic[] } {
  const steps: Step[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const line of stdout.split("\n").filter((text) => text.startsWith("{"))) {
    const event = JSON.parse(line) as { resOutputsEvent?: { metadata: Step }; diagnosticEvent?: Diagnostic };
    if (event.resOutputsEvent) steps.push(event.resOutputsEvent.metadata);
    if (event.diagnosticEvent) diagnostics.push(event.diagnosticEvent);
  }
  return { steps, diagnostics };
}
