import type { Machine } from "../measured-on.ts";
import type { Measured } from "./measured-run.ts";
import type { Spread } from "./statistics.ts";
import type { Work } from "./work.ts";

/** The four situations in which each peer is run. */
export const caseNames = ["first", "nothing", "change", "drift"] as const;
export type CaseName = (typeof caseNames)[number];

/** What is added to the line. */
export interface Delay {
  /** As it is written: `80-loss5`. */
  readonly name: string;
  /** Milliseconds, round trip. */
  readonly milliseconds: number;
  /** Per cent of the packets, in each direction. */
  readonly loss: number;
}

/** One run of one peer. */
export interface Run {
  readonly peer: string;
  readonly work: Work;
  readonly delay: string;
  readonly case: CaseName;
  /** From 1. */
  readonly repeat: number;
  /** `too long`: it was ended at the time limit. */
  readonly outcome: "done" | "failed" | "too long";
  /** Why a run counts as failed. */
  readonly why?: string;
  /** For a run that took too long the limit, and nothing else. */
  readonly seconds: number;
  readonly measured?: Measured;
}

/** A cell of the plan that was not measured. */
export interface Skipped {
  readonly peer: string;
  readonly work: Work;
  readonly delay: string;
  readonly cases: readonly CaseName[];
  readonly why: string;
}

/** Everything that one call of the benchmark found. */
export interface Result {
  /** ISO 8601; of several calls taken together all their days. */
  readonly begun: string;
  readonly commit: string;
  /** As it was called. */
  readonly command: string;
  /** Seconds: a run's limit, and what a peer has for further repeats of a cell. */
  readonly bounds: { readonly limit: number; readonly budget: number };
  readonly machine: Machine;
  /** By name, of those that were run: title, version and set-up. */
  readonly peers: Readonly<
    Record<string, { readonly title: string; readonly version: string; readonly setup: string }>
  >;
  /** Why peers could not be had, by title. */
  readonly missing: Readonly<Record<string, string>>;
  readonly runs: readonly Run[];
  readonly skipped: readonly Skipped[];
  readonly breakdown?: Breakdown;
  readonly growth?: Growth;
  /** Seconds that all of it took. */
  readonly took: number;
}

/** Where the time of an unchanged run goes. */
export interface Breakdown {
  readonly parts: readonly { readonly name: string; readonly how: string; readonly seconds: number }[];
  readonly files: number;
  /** Wall time of the whole run that is broken down. */
  readonly whole: number;
  /**
   * Round trips of a bare log-in by SSH, and of a log-in until our program on the host has answered its first request: time over a
   * slow line, divided by its delay.
   */
  readonly roundTrips?: { readonly login: number; readonly ready: number };
}

/** How an unchanged run grows with the number of hosts. */
export interface Growth {
  readonly files: number;
  /** How many stacks run at once. */
  readonly parallel: number;
  readonly points: readonly GrowthPoint[];
}

export interface GrowthPoint {
  readonly hosts: number;
  readonly way: "one stack" | "a stack each";
  /** Wall time of a run. */
  readonly seconds: Spread;
  /** Median CPU seconds of all processes here. */
  readonly cpu: number;
  /** Median of the peaks, in bytes. */
  readonly memory: number;
}
