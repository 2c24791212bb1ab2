import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { ipAddress } from "../ranges.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { fingerprint, knockOf, masterPorts, minionId } from "../salt-values.ts";
import { run, type Step, write } from "../step.ts";
import {
  knockProgram,
  type MinionConfiguration,
  minionFile,
  minionKeys,
  minionLookScript,
  minionText,
  minionUnit,
  readMinionLive,
  readMinionText,
} from "./salt-minion-texts.ts";
import { act, systemctl } from "./systemctl.ts";

/** A Salt minion that is installed already. */
export interface SaltMinionArgs {
  /** Address of the master. */
  master: string;
  /** SHA-256 fingerprint of the master's key, as `salt-key -F master` prints it there. No other master is obeyed. */
  masterFingerprint: string;
  /** Name by which the master knows it: the server's host name. */
  minionId: string;
  /**
   * What the master may choose its minions by.
   * @default {}
   */
  grains?: Record<string, string>;
  /**
   * Number of the minion's key. Another number makes another key, which the master must accept anew.
   * @default 1
   */
  keyVersion?: number;
}

type SaltMinionWant = MinionConfiguration;

/** The minion as its file has it, and whether it runs so. */
export interface SaltMinionSeen extends MinionConfiguration {
  /** `absent`, `ours`, or `foreign`: changed by hand. */
  file: "absent" | "ours" | "foreign";
  installed: boolean;
  enabled: boolean;
  running: boolean;
  /** Whether it runs with what the file says. */
  current: boolean;
  /** SHA-256 fingerprint of its own key, which was made on the host; absent while there is none. */
  fingerprint?: string;
  /** Fingerprint of the master that it has met, where that is another than is wanted. */
  otherMaster?: string;
  /** Whether it holds a connection to its master. */
  connected: boolean;
}

const fields = {
  master: ipAddress,
  masterFingerprint: fingerprint,
  minionId,
  grains: z
    .record(
      z.string().regex(/^[A-Za-z_][A-Za-z0-9_-]{0,63}$/, "must be a word of letters, digits, _ and -"),
      z.string().min(1).max(1000),
    )
    .default({}),
  keyVersion: z.int().min(1).max(1_000_000).default(1),
};

/**
 * A Salt minion: its master by address and by fingerprint, its id, grains and key. The key is made on the host and stays
 * there; the output `fingerprint` is what the master must accept, and `SaltKey` does. The package `salt-minion` is another
 * resource's. Our settings stand in `/etc/salt/minion.d/onprem.conf`; the package's own files are left alone.
 *
 * Whenever it is looked at, the server knocks at the master's ports 4505 and 4506, so that the master can tell by which
 * address it comes (`SaltSource`).
 *
 * @example
 * new SaltMinion("management", {
 *   master: "198.51.100.7",
 *   masterFingerprint: "0b:3c:…",
 *   minionId: "os2mo.kommune.dk",
 *   grains: { customer: "Kommune", environment: "production" },
 * });
 *
 * @importId `salt-minion`.
 */
export class SaltMinion extends HostResource<SaltMinionArgs> {
  declare readonly master: Output<string>;
  declare readonly minionId: Output<string>;
  /** SHA-256 fingerprint of its own key. */
  declare readonly fingerprint: Output<string>;
  /** Whether it holds a connection to its master. */
  declare readonly connected: Output<boolean>;

  constructor(name: string, args: Inputs<SaltMinionArgs>, options?: CustomResourceOptions) {
    super(
      saltMinion.type,
      name,
      args,
      ["file", "installed", "enabled", "running", "current", "fingerprint", "otherMaster", "connected"],
      options,
    );
  }
}

/** The lifecycle of `SaltMinion`. */
export const saltMinion: Kind<SaltMinionWant, SaltMinionSeen> = {
  type: "onprem:linux:SaltMinion",
  summary: "A Salt minion's master, id, grains and key.",
  fields,
  identity: [],
  check: byFields<SaltMinionWant>(fields),
  id: () => "salt-minion",
  named: (id) => (id === "salt-minion" ? {} : undefined),

  async observe(host, { master, minionId: name, masterFingerprint }) {
    const [[file], { stdout }] = await Promise.all([
      host.inspect(minionFile, { content: 1024 * 1024 }),
      host.look(["sh", "-c", minionLookScript]),
      ...(master === undefined || name === undefined
        ? []
        : [host.look(knock(master, name), { exits: [0, 1, 2, 255] })]),
    ]);
    const live = readMinionLive(stdout);
    const text = new TextDecoder().decode(file?.content);
    const read = file === undefined ? undefined : readMinionText(text);
    if (file === undefined && !live.installed) return undefined;
    const wanted = masterFingerprint ?? read?.masterFingerprint;
    return {
      ...(read ?? { master: "", masterFingerprint: "", minionId: "", grains: {}, keyVersion: 0 }),
      file: file === undefined ? "absent" : read !== undefined ? "ours" : "foreign",
      installed: live.installed,
      enabled: live.enabled,
      running: live.active,
      current: live.current,
      ...(live.fingerprint === undefined ? {} : { fingerprint: live.fingerprint }),
      ...(live.masterFingerprint === undefined || live.masterFingerprint === wanted
        ? {}
        : { otherMaster: live.masterFingerprint }),
      connected: live.connected,
    };
  },

  plan(want, seen) {
    const steps: Step[] = [];
    const property = changed(want, seen);
    if (property !== undefined) {
      const file = {
        path: minionFile,
        content: minionText(want),
        owner: "root",
        group: "root",
        mode: "0644",
        property,
      };
      steps.push(
        run("make the folder of our settings", ["mkdir", "-p", "--", "/etc/salt/minion.d"], { property }),
        write(`write ${minionFile}`, file),
      );
    }
    const fresh = property === "keyVersion" && seen?.file === "ours";
    if (fresh) steps.push(forget("its key", [`${minionKeys}/minion.pem`, `${minionKeys}/minion.pub`], "keyVersion"));
    if (seen?.otherMaster !== undefined) {
      steps.push(forget("another master's key", [`${minionKeys}/minion_master.pub`], "otherMaster"));
    }
    if (seen?.enabled !== true) steps.push(systemctl("enable", "enable", minionUnit, "enabled"));
    const others = steps.some((step) => step.property !== "enabled");
    if (others || seen?.running !== true || !seen.current || seen.fingerprint === undefined) {
      const restarted = act("restart", minionUnit, [minionFile], 120, seen?.running === true ? "current" : "running");
      steps.push(
        restarted,
        run("wait for its key", ["sh", "-c", waitScript], { property: "fingerprint", deadline: 90 }),
      );
    }
    return steps;
  },

  remove({ file, enabled, running, fingerprint: finger }) {
    const files = [
      minionFile,
      ...["minion.pem", "minion.pub", "minion_master.pub"].map((name) => `${minionKeys}/${name}`),
    ];
    return [
      ...(enabled || running
        ? [run(`stop and disable ${minionUnit}`, ["systemctl", "disable", "--now", "--", minionUnit])]
        : []),
      ...(file !== "absent" || finger !== undefined
        ? [run(`remove ${minionFile} and the minion's keys`, ["rm", "-f", "--", ...files])]
        : []),
    ];
  },

  refuse(_want, seen, ours) {
    if (ours || seen?.file !== "foreign") return undefined;
    return {
      why: `${minionFile} exists already and was not made by this program`,
      remedy: "Take it away, or take it over with `pulumi import`.",
    };
  },

  warn({ master }, seen) {
    if (seen?.running !== true || seen.connected || seen.fingerprint === undefined) return [];
    return [
      `the minion holds no connection to its master ${master}. Has the master accepted the key ${seen.fingerprint}, and does it let this server's external address in? \`journalctl -u salt-minion\` on the server tells more.`,
    ];
  },
};

/** salt-minion is up before its key is made: 4,096 bits take a while. */
const waitScript = `for _ in $(seq 300); do [ ! -s ${minionKeys}/minion.pub ] || exit 0; sleep 0.25; done
echo 'no key after 75 s' >&2; journalctl --quiet --no-pager -o cat -n 10 -u ${minionUnit} >&2; exit 1`;

function forget(what: string, files: readonly string[], property: string): Step {
  return run(`forget ${what}`, ["rm", "-f", "--", ...files], { property });
}

function knock(master: string, id: string): string[] {
  const sizes = knockOf(id);
  return [
    "perl",
    "-e",
    knockProgram,
    master,
    ...masterPorts.flatMap((port, index) => [String(port), String(sizes[index])]),
  ];
}

/** The first property in which the file is not as wanted. */
function changed(want: SaltMinionWant, seen: SaltMinionSeen | undefined): string | undefined {
  if (seen === undefined || seen.file !== "ours") return "file";
  if (seen.keyVersion !== want.keyVersion) return "keyVersion";
  const keys = ["master", "masterFingerprint", "minionId", "grains"] as const;
  return keys.find((key) => sortedJson(want[key]) !== sortedJson(seen[key]));
}

function sortedJson(value: unknown): string {
  return typeof value === "object" && value !== null
    ? JSON.stringify(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
    : JSON.stringify(value);
}
