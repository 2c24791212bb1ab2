/** The Python peers and what they are installed from, pinned. Each has an environment of its own, so that none gets another's libraries. */
export const pythonPackages = {
  /** The newest ansible-core that Mitogen's newest release knows; both peers run the same. */
  ansible: ["ansible-core==2.19.14", "mitogen==0.3.54"],
  pyinfra: ["pyinfra==3.10.0"],
  /** The newest 3007 whose dependencies plain pip could satisfy. */
  salt: ["salt==3007.15"],
} as const satisfies Record<string, readonly string[]>;

/** Oldest Python that all of them run on. */
export const oldestPython = [3, 11] as const;
