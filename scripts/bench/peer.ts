import type { LabStatus } from "../../lab/status.ts";
import type { Words } from "../command.ts";
import type { Surroundings } from "../main.ts";
import type { Hosts } from "./hosts.ts";
import type { Variant, Work } from "./work.ts";

/** What all peers are given. */
export interface Bench extends Surroundings {
  readonly lab: LabStatus;
  readonly hosts: Hosts;
  /** Folder of the benchmark in this lab's own; it goes when the lab goes. */
  readonly folder: string;
  /** The environment in which `pulumi` is called. */
  readonly engineEnv: NodeJS.ProcessEnv;
}

/** One call of a peer, as it is measured. */
export interface Call {
  readonly words: Words;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** A tool that brings the hosts to the work, used as its careful users would. */
export interface Peer {
  readonly name: string;
  /** What the page calls it. */
  readonly title: string;
  /** How it is set up, in one sentence for the page. */
  readonly setup: string;
  /** It touches no host, so nothing is verified. */
  readonly idle?: boolean;
  /** It needs Python on the hosts. */
  readonly python?: boolean;
  /** Installs what is needed and returns the version; why it cannot be had otherwise. */
  install(bench: Bench): Promise<Installed>;
  /** Writes the program for a work and returns the call that brings the hosts to it. Not measured. */
  prepare(bench: Bench, work: Work, variant: Variant): Promise<Call>;
  /** Shell words of paths that it leaves on a host beside the work; the case `first` begins without them. */
  readonly traces: readonly string[];
  /** State of its own beside the hosts: what it knows of the last run. */
  readonly state?: PeerState;
  /** It leaves something on a host that makes later runs faster, so a run before the first measured one is needed. */
  readonly warmsUp?: boolean;
}

export interface PeerState {
  /** As before the first run. */
  forget(bench: Bench, work: Work): Promise<void>;
  /** Keeps the present state, as it is after a first run. */
  keep(bench: Bench, work: Work): Promise<void>;
  /** Brings the kept state back; false when none was kept. */
  restore(bench: Bench, work: Work): Promise<boolean>;
}

export type Installed = { readonly version: string } | { readonly missing: string };
