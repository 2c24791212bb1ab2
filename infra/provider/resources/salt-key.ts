import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { absolutePath, byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { fingerprint, fingerScript, minionId } from "../salt-values.ts";
import { run, type Step } from "../step.ts";

/** The key of one minion, on its Salt master. */
export interface SaltKeyArgs {
  /** Name of the minion. Changing it replaces the key. */
  minionId: string;
  /** SHA-256 fingerprint of the minion's key, as it was read on the server itself: output `fingerprint` of `SaltMinion`. */
  fingerprint: string;
  /**
   * Whether another key under this name goes: after the server was installed anew, or its key was changed. Else another
   * key is refused, for it may be an intruder's.
   * @default false
   */
  replaceKey?: boolean;
  /**
   * Folder of the master's keys, its setting `pki_dir`.
   * @default "/etc/salt/pki/master"
   */
  pkiFolder?: string;
}

interface SaltKeyWant {
  minionId: string;
  fingerprint: string;
  replaceKey: boolean;
  pkiFolder: string;
}

/** What the master has under a name. */
export interface SaltKeySeen {
  minionId: string;
  pkiFolder: string;
  /** Of the accepted key; empty while none is accepted. */
  fingerprint: string;
  /** Of the keys that are not accepted, by what the master made of them. */
  waiting: Partial<Record<"pending" | "denied" | "rejected", string>>;
}

const fields = {
  minionId,
  fingerprint,
  replaceKey: z.boolean().default(false),
  pkiFolder: absolutePath.default("/etc/salt/pki/master"),
};

/**
 * Accepts one minion's key on the Salt master, and no other: the fingerprint is that which was read on the server over SSH.
 * Waits until that key arrives, accepts it, and waits until the minion answers. Removal deletes the key.
 *
 * @example
 * new SaltKey("management", { minionId: "os2mo.kommune.dk", fingerprint: minion.fingerprint }, { provider: master });
 *
 * @importId the minion's name.
 */
export class SaltKey extends HostResource<SaltKeyArgs> {
  declare readonly minionId: Output<string>;
  declare readonly fingerprint: Output<string>;

  constructor(name: string, args: Inputs<SaltKeyArgs>, options?: CustomResourceOptions) {
    super(saltKey.type, name, args, ["waiting"], options);
  }
}

/** The lifecycle of `SaltKey`. */
export const saltKey: Kind<SaltKeyWant, SaltKeySeen> = {
  type: "onprem:linux:SaltKey",
  summary: "One minion's key, accepted on the Salt master.",
  fields,
  identity: ["minionId"],
  check: byFields<SaltKeyWant>(fields),
  named: (name) => (fields.minionId.safeParse(name).success ? { minionId: name } : undefined),

  async observe(host, { minionId: name = "", pkiFolder = "/etc/salt/pki/master" }) {
    const { stdout } = await host.look(["sh", "-c", lookScript, "sh", pkiFolder, name]);
    const found = new Map(stdout.split("\n").map((line) => line.split(" ") as [string, string]));
    const waiting = Object.fromEntries(
      states.flatMap((state) => (found.get(state) === undefined ? [] : [[state, found.get(state)]])),
    );
    const accepted = found.get("accepted") ?? "";
    if (accepted === "" && Object.keys(waiting).length === 0) return undefined;
    return { minionId: name, pkiFolder, fingerprint: accepted, waiting };
  },

  plan({ minionId: name, fingerprint: finger, pkiFolder }, seen) {
    if (seen?.fingerprint === finger) return [];
    const property = "fingerprint";
    const others = [seen?.fingerprint, ...Object.values(seen?.waiting ?? {})].filter((one) => one && one !== finger);
    const steps: Step[] = [];
    if (others.length > 0) {
      steps.push(run(`delete the other keys of ${name}`, ["salt-key", "-y", "-d", name], { property }));
    }
    const words = ["sh", "-c", acceptScript, "sh", pkiFolder, name, finger];
    steps.push(
      run(`accept the key of ${name}`, words, {
        property,
        deadline: 180,
        remedies: {
          3: "Is the minion running, and do 4505 and 4506 get through from the server to the master? `npm run verify -- network STACK` tells.",
          4: "Another machine was faster: look for it. Set replaceKey once you know that the key below is the server's.",
        },
      }),
      run(`hear from ${name}`, ["sh", "-c", hearScript, "sh", name], { property, deadline: 120 }),
    );
    return steps;
  },

  remove({ minionId: name, fingerprint: finger }) {
    // What waits there is not ours to delete.
    return finger === "" ? [] : [run(`delete the key of ${name}`, ["salt-key", "-y", "-d", name])];
  },

  refuse({ minionId: name, fingerprint: finger, replaceKey }, seen) {
    if (seen === undefined || seen.fingerprint === finger || replaceKey) return undefined;
    const others = [
      ...(seen.fingerprint === "" ? [] : [`${seen.fingerprint} (accepted)`]),
      ...Object.entries(seen.waiting)
        .filter(([, other]) => other !== finger)
        .map(([state, other]) => `${other} (${state})`),
    ];
    if (others.length === 0) return undefined;
    return {
      why: `the master has another key under the name ${name}: ${others.join(", ")}; the server's own is ${finger}`,
      remedy:
        "It is that of the server before it was installed anew or got another key: then set replaceKey. Or somebody else uses its name: then find out who, before anything is accepted.",
    };
  },

  warn({ minionId: name, fingerprint: finger }, seen) {
    return Object.entries(seen?.waiting ?? {})
      .filter(([, other]) => seen?.fingerprint === finger && other !== finger)
      .map(
        ([state, other]) =>
          `somebody else has shown the master a key under the name ${name}: ${other} (${state}). Another machine uses the name, or did so before this server.`,
      );
  },
};

const states = ["pending", "denied", "rejected"] as const;

/** `$1`: the master's folder of keys, `$2`: a minion's name. A line for each key: what became of it, and its fingerprint. */
const lookScript = `${fingerScript}
while read -r state folder; do
    found=$(finger "$1/$folder/$2")
    [ -z "$found" ] || echo "$state $found"
done <<END
accepted minions
pending minions_pre
denied minions_denied
rejected minions_rejected
END
`;

/** Waits for the key `$3` under the name `$2`, and accepts it; any other that waits there is not touched. */
const acceptScript = `${fingerScript}
for _ in $(seq 240); do
    now=$(finger "$1/minions_pre/$2")
    [ "$now" != "$3" ] || break
    [ -z "$now" ] || { echo "another key waits under the name $2: $now" >&2; exit 4; }
    sleep 0.5
done
[ "$now" = "$3" ] || { echo "no key of $2 has arrived at the master within 120 s" >&2; exit 3; }
salt-key -y -a "$2" || exit
[ "$(finger "$1/minions/$2")" = "$3" ] || { salt-key -y -d "$2"; echo "another key took its place while it was accepted; it was deleted" >&2; exit 4; }
`;

const hearScript = `for _ in 1 2 3 4 5 6 7 8; do
    said=$(salt --out=txt --timeout=10 "$1" test.ping 2>&1) && case $said in *"$1: True"*) exit 0 ;; esac
    sleep 1
done
printf '%s\\n' "$said" >&2
exit 1`;
