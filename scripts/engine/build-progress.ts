import { describeSeconds } from "../reporter.ts";

/** Seconds that the whole build took on two cores with nothing prepared: the first guess, until the build's own pace is known. */
const wholeBuild = 540;

/** Share of the packages after which the build's own pace says more than the guess. */
const paceKnown = 0.05;

/** How far a build is. */
export interface BuildState {
  /** Modules downloaded so far. */
  readonly modules: number;
  /** Packages that there are to compile; 0 while it is not known yet. Those compiled before are among them, and are skipped. */
  readonly packages: number;
  readonly compiled: number;
}

/** The state after one more line of what `go list` and `go build -v` say on standard error. */
export function readBuildLine(state: BuildState, line: string): BuildState {
  if (line.startsWith("go: downloading ")) return { ...state, modules: state.modules + 1 };
  if (/^[\w.~-]+(\/[\w.~-]+)*$/.test(line)) return { ...state, compiled: Math.min(state.compiled + 1, state.packages) };
  return state;
}

/** One line: what is going on, for how long, what remains. */
export function describeBuild(state: BuildState, elapsed: number): string {
  const soFar = `${describeSeconds(elapsed)} so far`;
  if (state.packages === 0) {
    return state.modules === 0
      ? `building the engine: reading the list of its Go modules, ${soFar}`
      : `building the engine: ${state.modules} Go modules downloaded, ${soFar}`;
  }
  if (state.compiled === state.packages) return `building the engine: linking, ${soFar}`;
  const share = state.compiled / state.packages;
  const remaining = share >= paceKnown ? elapsed / share - elapsed : Math.max(wholeBuild - elapsed, 60);
  return `building the engine: ${state.compiled} of at most ${state.packages} packages, ${soFar}, at most ${describeSeconds(remaining)} remain`;
}
