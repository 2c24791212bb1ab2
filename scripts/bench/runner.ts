import { startSlowLink, stopSlowLink } from "../../lab/slow-link.ts";
import { measuredRun } from "./measured-run.ts";
import { type CaseName, caseNames, type Run, type Skipped } from "./measurement.ts";
import type { Bench, Peer } from "./peer.ts";
import { type Cell, expectedSeconds, isLarge, isLarger } from "./plan.ts";
import { headingOf } from "./report/cells.ts";
import type { Variant, Work } from "./work.ts";

/** Bounds of a benchmark. */
export interface Bounds {
  /** Seconds after which one run is ended and counts as "more than". */
  readonly limit: number;
  /** Seconds that a peer may spend in one cell before its further repeats are left out; the first repeat is always done. */
  readonly budget: number;
  /** Minutes after which no further run begins. @default no end */
  readonly minutes?: number | undefined;
}

/** Seconds of a run that nobody measures, which must still end. */
const unmeasuredLimit = 1_800;

/** Carries a plan out, cell by cell, and keeps what it found. */
export class Runner {
  readonly runs: Run[] = [];
  readonly skipped: Skipped[] = [];
  readonly #bench: Bench;
  readonly #bounds: Bounds;
  /** The smallest work at which a peer ran into the time limit. */
  readonly #tooLong = new Map<string, Work>();
  readonly #warm = new Set<string>();
  readonly #began = performance.now();

  constructor(bench: Bench, bounds: Bounds) {
    this.#bench = bench;
    this.#bounds = bounds;
  }

  /**
   * Measures one cell: the peers take turns in each repeat, so that a slow minute of the machine meets them all.
   *
   * @param keep Called after every turn, so that what was measured outlives an interruption.
   */
  async cell(cell: Cell, peers: readonly Peer[], keep: () => Promise<void>): Promise<void> {
    const taking = peers.filter((peer) => this.#takesPart(peer, cell));
    const slow = cell.delay.milliseconds > 0 || cell.delay.loss > 0;
    const out = new Set<Peer>();
    const spent = new Map<Peer, number>();
    try {
      if (!cell.cases.includes("first") && !this.#isOver()) {
        for (const peer of taking) {
          const problem = peer.idle ? undefined : await this.#told(this.#ready(peer, cell.work));
          if (problem === undefined) continue;
          this.#skip(peer, cell, cell.cases, `it could not bring the hosts to the work beforehand: ${problem}`);
          out.add(peer);
        }
      }
      if (slow) {
        const { milliseconds, loss } = cell.delay;
        await startSlowLink(this.#bench.lab.name, { delay: milliseconds, loss });
      }
      for (let repeat = 1; repeat <= cell.repeats; repeat++) {
        for (const peer of taking.filter((peer) => !out.has(peer))) {
          if ((spent.get(peer) ?? 0) > this.#bounds.budget) continue;
          if (this.#isOver()) {
            if (repeat === 1) this.#skip(peer, cell, cell.cases, this.#whyOver());
            continue;
          }
          const before = this.runs.length;
          const problem = await this.#told(
            this.#chain(peer, cell, repeat, slow).then((again) => {
              if (!again) out.add(peer);
              return undefined;
            }),
          );
          if (problem !== undefined) {
            this.#skip(peer, cell, cell.cases, `it could not be run: ${problem}`);
            this.#bench.reporter.line(`${peer.title} is left out here: ${problem}`);
            out.add(peer);
          }
          const seconds = this.runs.slice(before).reduce((sum, run) => sum + run.seconds, 0);
          spent.set(peer, (spent.get(peer) ?? 0) + seconds);
          await keep();
        }
      }
    } finally {
      if (slow) await stopSlowLink(this.#bench.lab.name);
    }
  }

  #isOver(): boolean {
    const { minutes } = this.#bounds;
    return minutes !== undefined && performance.now() - this.#began > minutes * 60_000;
  }

  #whyOver(): string {
    return `the ${this.#bounds.minutes} minutes that this call had were over`;
  }

  #takesPart(peer: Peer, cell: Cell): boolean {
    if (peer.name === "onprem-tree" && cell.work === "baseline") {
      this.#skip(peer, cell, cell.cases, "the baseline holds no tree; its program is that of the single resources");
      return false;
    }
    if (peer.name === "pulumi-command" && cell.work === "baseline") {
      this.#skip(peer, cell, cell.cases, "it has no packages, units or users of its own, only commands");
      return false;
    }
    const stoppedAt = this.#tooLong.get(peer.name);
    if (stoppedAt !== undefined && isLarger(cell.work, stoppedAt)) {
      const why = `a run with ${stoppedAt} files took more than ${this.#bounds.limit} s`;
      this.#skip(peer, cell, cell.cases, why);
      return false;
    }
    const expected = expectedSeconds(this.runs, peer.name, cell);
    if (expected !== undefined && expected > this.#bounds.limit) {
      const why = `by its times with smaller works it would take about ${Math.round(expected)} s, and the limit is ${this.#bounds.limit} s`;
      this.#skip(peer, cell, cell.cases, why);
      return false;
    }
    return !peer.idle || cell.cases.includes("nothing");
  }

  /** The cases of a cell in their order, once. False when there is no sense in another repeat. */
  async #chain(peer: Peer, cell: Cell, repeat: number, slow: boolean): Promise<boolean> {
    const cases = caseNames.filter((name) => cell.cases.includes(name) && (!peer.idle || name === "nothing"));
    let variant: Variant = "original";
    if (!peer.idle && cases[0] !== "first") await this.#ready(peer, cell.work);
    let spent = 0;
    for (const [index, name] of cases.entries()) {
      if (index > 0 && this.#isOver()) {
        this.#skip(peer, cell, cases.slice(index), this.#whyOver());
        break;
      }
      if (isLarge(cell.work) && (name === "change" || name === "drift") && spent > this.#bounds.budget) {
        const why = `its other cases took ${Math.round(spent)} s, beyond the ${this.#bounds.budget} s that a peer has here`;
        this.#skip(peer, cell, cases.slice(index), why);
        break;
      }
      if (name === "change") variant = "changed";
      const run = await this.#once(peer, cell, name, repeat, variant, slow);
      this.runs.push(run);
      this.#report(run, peer, cell);
      spent += run.seconds;
      if (run.outcome === "done") continue;
      const rest = cases.slice(index + 1);
      if (run.outcome === "too long" && !this.#tooLong.has(peer.name)) this.#tooLong.set(peer.name, cell.work);
      if (name === "first" && (await this.#helped(peer, cell.work))) continue;
      if (rest.length > 0) {
        const what = run.outcome === "failed" ? "failed" : `took more than ${this.#bounds.limit} s`;
        this.#skip(peer, cell, rest, `its run "${name}" before it ${what}`);
      }
      return false;
    }
    return true;
  }

  async #once(peer: Peer, cell: Cell, name: CaseName, repeat: number, variant: Variant, slow: boolean): Promise<Run> {
    const { hosts } = this.#bench;
    const { work } = cell;
    if (name === "first") await this.#begin(peer, work);
    if (name === "drift") await hosts.drift(work);
    const call = await peer.prepare(this.#bench, work, variant);
    const marks = name === "nothing" && !peer.idle ? await hosts.touchMarks() : undefined;
    const ran = await measuredRun(this.#bench, call, this.#bounds.limit, slow);
    const run = { peer: peer.name, work, delay: cell.delay.name, case: name, repeat };
    if (ran.ended === "too long") return { ...run, outcome: "too long", seconds: ran.seconds };
    const done = { ...run, seconds: ran.measured.seconds, measured: ran.measured };
    if (ran.ended === "failed") return { ...done, outcome: "failed", why: ran.why };
    if (peer.idle) return { ...done, outcome: "done" };
    const wrong = await hosts.wrong(work, variant);
    if (wrong !== undefined) return { ...done, outcome: "failed", why: `the hosts are not as wanted: ${wrong}` };
    if (marks !== undefined && marks !== (await hosts.touchMarks())) {
      return { ...done, outcome: "failed", why: "it wrote to files with nothing to do" };
    }
    if (name === "first") {
      await peer.state?.keep(this.#bench, work);
      this.#warm.add(peer.name);
    }
    return { ...done, outcome: "done" };
  }

  /** Hosts without any of the work, and a peer that knows nothing of them. */
  async #begin(peer: Peer, work: Work): Promise<void> {
    await this.#bench.hosts.clean(work, peer.traces);
    await peer.state?.forget(this.#bench, work);
    this.#warm.delete(peer.name);
  }

  /** Brings hosts and peer to where they are after a first run, without measuring; says why when it does not succeed. */
  async #ready(peer: Peer, work: Work): Promise<string | undefined> {
    const restored = work !== "baseline" && (await peer.state?.restore(this.#bench, work)) !== false;
    if (!restored) {
      await this.#begin(peer, work);
      const problem = await this.#unmeasured(peer, work);
      if (problem === undefined) await peer.state?.keep(this.#bench, work);
      return problem;
    }
    await this.#bench.hosts.put(work, "original");
    if (!peer.warmsUp || this.#warm.has(peer.name)) return undefined;
    this.#warm.add(peer.name);
    return this.#unmeasured(peer, work);
  }

  /** After a first run that did not end well: peers without a state of their own go on from hosts that were made ready for them. */
  async #helped(peer: Peer, work: Work): Promise<boolean> {
    if (peer.state !== undefined || work === "baseline") return false;
    return (await this.#ready(peer, work)) === undefined;
  }

  async #unmeasured(peer: Peer, work: Work): Promise<string | undefined> {
    const call = await peer.prepare(this.#bench, work, "original");
    const ran = await measuredRun(this.#bench, call, unmeasuredLimit, false);
    if (ran.ended === "failed") return ran.why;
    if (ran.ended === "too long") return `more than ${unmeasuredLimit} s`;
    return this.#bench.hosts.wrong(work, "original");
  }

  /** What a piece of work says is wrong, or why it could not be done: one peer's trouble must not end the others' turns. */
  async #told(work: Promise<string | undefined>): Promise<string | undefined> {
    try {
      return await work;
    } catch (error) {
      this.#bench.signal.throwIfAborted();
      return error instanceof Error ? error.message : String(error);
    }
  }

  #skip(peer: Peer, cell: Cell, cases: readonly CaseName[], why: string): void {
    this.skipped.push({ peer: peer.name, work: cell.work, delay: cell.delay.name, cases, why });
  }

  #report(run: Run, peer: Peer, cell: Cell): void {
    const where = headingOf(run.work, run.delay);
    const what = `${where}, ${run.case}, ${run.repeat} of ${cell.repeats}: ${peer.title}`;
    const took = run.outcome === "too long" ? `more than ${run.seconds} s` : `${run.seconds.toFixed(1)} s`;
    this.#bench.reporter.line(`${what} ${took}${run.outcome === "failed" ? `, failed: ${run.why}` : ""}`);
  }
}
