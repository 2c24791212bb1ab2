/** A host key, as far as trusting it goes. */
export interface Key {
  readonly type: string;
  /** The line to record. */
  readonly line: string;
  /** `SHA256:...` */
  readonly fingerprint: string;
}

/** What the caller has said. */
export interface Said {
  /** Fingerprints known from elsewhere: the server's console, its installer, whoever runs it. */
  readonly fingerprints: readonly string[];
  /** Trust what is shown. */
  readonly yes: boolean;
  /** A key that is recorded may be replaced by another. */
  readonly replace: boolean;
}

/** What to do about a key: nothing, record it, ask first, or refuse with a reason and a way out. */
export type Decision =
  | { readonly kind: "recorded already" | "record" | "ask" }
  | { readonly kind: "refuse"; readonly why: string; readonly remedy: string };

/** Whether the key that a host shows is to be recorded, when `pinned` are recorded for it. */
export function decide(seen: Key, pinned: readonly Key[], said: Said): Decision {
  const known = said.fingerprints.includes(seen.fingerprint);
  if (said.fingerprints.length > 0 && !known) {
    return {
      kind: "refuse",
      why: `it shows    ${describeKey(seen)}\nexpected is ${said.fingerprints.join(", ")}`,
      remedy: "find out why before you trust it: somebody may be in between",
    };
  }
  if (pinned.some(({ line }) => line === seen.line)) return { kind: "recorded already" };
  if (pinned.length > 0 && !said.replace) {
    return {
      kind: "refuse",
      why: `it shows    ${describeKey(seen)}\nrecorded is ${pinned.map(describeKey).join(", ")}`,
      remedy:
        "if it was reinstalled, compare with its console, then say it again with --replace; if not, somebody may be in between",
    };
  }
  return { kind: known || said.yes ? "record" : "ask" };
}

/** `ssh-ed25519 SHA256:...` */
export function describeKey({ type, fingerprint }: Key): string {
  return `${type} ${fingerprint}`;
}
