import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";

/** How a client asks. */
export type Kind = `HTTP/${"1.1" | "2"}, ${"a connection each" | "kept"}`;

export interface Work {
  /** The name that is asked for. */
  readonly host: string;
  /** IPv4. */
  readonly address: string;
  /** PEM of what the chain must lead to. */
  readonly roots: string;
  /** Words near the end of the page. */
  readonly contains: string;
}

export interface Counts {
  readonly requests: number;
  /** Of those, the ones that were asked once more, for the server had processed nothing of them. */
  readonly again: number;
  /** What each request that failed has met. */
  readonly failures: readonly string[];
}

/** A line of the worker's. */
export type Said =
  | { readonly kind: Kind; readonly serial: string }
  | { readonly counts: Readonly<Record<Kind, Counts>> };

/** Clients in a network that ask a web server for its first page, all the time, in four ways. `await using load = ...` ends them. */
export class HttpsLoad implements AsyncDisposable {
  readonly #worker: ChildProcess;
  readonly #seen = new Map<string, Set<Kind>>();
  #counts: Readonly<Record<Kind, Counts>> | undefined;
  readonly #ended: Promise<unknown>;

  /** @param netns Of the network, for nsenter(1). */
  constructor(netns: string, work: Work) {
    const worker = join(import.meta.dirname, "https-load-worker.ts");
    const words = [`--net=${netns}`, process.execPath, worker, JSON.stringify(work)];
    this.#worker = spawn("nsenter", words, { stdio: ["pipe", "pipe", "inherit"] });
    this.#ended = new Promise((resolve) => this.#worker.once("close", resolve));
    if (this.#worker.stdout) createInterface({ input: this.#worker.stdout }).on("line", (line) => this.#read(line));
  }

  /** Waits, ten seconds at most, until clients of every kind were shown the certificate with this serial number. */
  async seen(serial: string): Promise<void> {
    for (const deadline = Date.now() + 10_000; Date.now() < deadline; await sleep(20)) {
      if (this.#seen.get(serial)?.size === 4) return;
    }
    throw new Error(`${serial} was seen by: ${[...(this.#seen.get(serial) ?? [])].join("; ")}`);
  }

  /** Serial numbers of the certificates that were seen, in order. */
  get serials(): string[] {
    return [...this.#seen.keys()];
  }

  /** Ends it; what was counted. */
  async stop(): Promise<Readonly<Record<Kind, Counts>>> {
    this.#worker.stdin?.end();
    await this.#ended;
    if (this.#counts === undefined) throw new Error("the clients ended before they were told to");
    return this.#counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#worker.kill("SIGKILL");
    await this.#ended;
  }

  #read(line: string): void {
    const said = JSON.parse(line) as Said;
    if ("counts" in said) this.#counts = said.counts;
    else this.#seen.set(said.serial, (this.#seen.get(said.serial) ?? new Set()).add(said.kind));
  }
}
