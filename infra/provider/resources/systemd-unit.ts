import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { absolutePath, byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import type { Problems } from "../problems.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { unitFolder } from "./systemctl.ts";
import { observeUnit } from "./systemd-unit-look.ts";
import { planUnit, removeUnit } from "./systemd-unit-plan.ts";

/** What a systemd unit should be. What is left out stays as it is on the host. */
export interface SystemdUnitArgs {
  /** Full name with suffix, such as `app.service` or `backup.timer`. Changing it replaces the unit. */
  name: string;
  /** The unit file, at most 64 KiB. Without it, the unit is one that a package brings. Never a secret: systemd shows it to every account. */
  unit?: string;
  /**
   * Drop-ins by name without `.conf`: text that adds to the unit or changes it, at most 64 KiB each. Never a secret. Drop-ins of others are left alone.
   * @default {}
   */
  dropIns?: Record<string, string>;
  /** Whether the unit starts at boot, or with what its `[Install]` section names. */
  enabled?: boolean;
  /** Whether the unit runs now. A service of type `oneshot` runs only with `RemainAfterExit=yes`. */
  running?: boolean;
  /** Whether the unit is masked, so that nothing can start it. */
  masked?: boolean;
  /**
   * Files that the unit reads, by absolute path, with the SHA-256 that each should have (`sha256` of a `File`). The unit is restarted, if it runs, when it has not read what stands there.
   * @default {}
   */
  reads?: Record<string, string>;
  /**
   * What makes the unit read its files again: `restart` or `reload`. After a change of the unit itself it is always a restart.
   * @default "restart"
   */
  onChange?: "restart" | "reload";
  /**
   * Take over a unit file or drop-in that stands there already and differs. What it held is kept and put back on removal.
   * @default false
   */
  adopt?: boolean;
  /**
   * Seconds that a start, restart, reload or stop may take; 1 to 3,600.
   * @default 120
   */
  timeout?: number;
}

export interface SystemdUnitWant {
  name: string;
  unit?: string;
  dropIns: Record<string, string>;
  enabled?: boolean;
  running?: boolean;
  masked?: boolean;
  reads: Record<string, string>;
  onChange: "restart" | "reload";
  adopt: boolean;
  timeout: number;
}

/** What systemd and its folders say of the unit. */
export interface SystemdUnitSeen {
  name: string;
  /** The unit's real name, where `name` is an alias. */
  aliasOf?: string;
  /** The unit file in /etc/systemd/system; empty where there is none. */
  unit?: string;
  dropIns: Record<string, string>;
  enabled: boolean;
  running?: boolean;
  masked: boolean;
  /** By path: the SHA-256, `absent`, or the SHA-256 and that the running unit has not read it yet. */
  reads: Record<string, string>;
  /** `UnitFileState` of systemctl: `enabled`, `disabled`, `static`, … */
  unitFileState: string;
  /** Files of ours, below /etc/systemd/system, that are newer than the running unit. */
  outdated: string[];
  /** Whether systemd has not read the unit's files since they changed. */
  needsReload: boolean;
  /** Files whose former content is kept for removal. */
  kept: string[];
  /** Files that this update wants for the first time, and that stand there already and differ. */
  unfamiliar: string[];
}

export interface SystemdUnitMemory {
  /** Whether there was such a unit before us. */
  existed: boolean;
  /** How it was, as far as we have changed it. */
  before: { enabled?: boolean; running?: boolean; masked?: boolean };
  /** Files below /etc/systemd/system that we wrote. */
  written: string[];
  /** Those that stood there before us and differed. */
  adopted: string[];
}

/** Names by systemd.unit(5); the kinds of unit that a file can define and systemctl can start. */
const unitName =
  /^[A-Za-z0-9:_.\\-][A-Za-z0-9:_.\\@-]*\.(service|socket|timer|path|target|mount|automount|swap|slice)$/;

const unitText = z
  .string()
  .min(1)
  .refine((text) => Buffer.byteLength(text) <= 65536, "must be at most 64 KiB")
  .refine((text) => !text.includes("\0"), "must not hold a NUL byte");

const fields = {
  name: z
    .string()
    .max(220, "must have at most 220 characters")
    .regex(unitName, "must be the full name of a unit, such as app.service"),
  unit: unitText.optional(),
  dropIns: z.record(z.string(), unitText).default({}),
  enabled: z.boolean().optional(),
  running: z.boolean().optional(),
  masked: z.boolean().optional(),
  reads: z.record(z.string(), z.string().regex(/^[0-9a-f]{64}$/, "must be a hexadecimal SHA-256")).default({}),
  onChange: z.enum(["restart", "reload"]).default("restart"),
  adopt: z.boolean().default(false),
  timeout: z.int().min(1).max(3600).default(120),
};

/**
 * One systemd unit: its file, its drop-ins, whether it is enabled and runs, and a restart when what it reads changes.
 *
 * @example
 * new SystemdUnit("ssh", { name: "ssh.service", enabled: true, running: true });
 *
 * @example
 * new SystemdUnit("app", {
 *   name: "app.service",
 *   unit: "[Service]\nExecStart=/usr/bin/app\n\n[Install]\nWantedBy=multi-user.target\n",
 *   dropIns: { memory: "[Service]\nMemoryMax=1G\n" },
 *   enabled: true,
 *   running: true,
 *   reads: { "/etc/app.conf": configuration.sha256 },
 *   onChange: "reload",
 * });
 */
export class SystemdUnit extends HostResource<SystemdUnitArgs> {
  declare readonly name: Output<string>;
  declare readonly enabled: Output<boolean>;
  declare readonly running: Output<boolean | undefined>;

  constructor(name: string, args: Inputs<SystemdUnitArgs>, options?: CustomResourceOptions) {
    const outputs = ["aliasOf", "unitFileState", "outdated", "needsReload", "kept", "unfamiliar"];
    super(systemdUnit.type, name, args, outputs, options);
  }
}

/** The lifecycle of `SystemdUnit`. */
export const systemdUnit: Kind<SystemdUnitWant, SystemdUnitSeen, SystemdUnitMemory> = {
  type: "onprem:linux:SystemdUnit",
  summary: "One systemd unit: its file, its drop-ins, and whether it is enabled and runs.",
  fields,
  identity: ["name"],
  check: byFields<SystemdUnitWant>(fields, (want, problems) => {
    checkNames(want, problems);
    if (want.enabled && want.unit !== undefined && !/^\[Install\]\s*$/m.test(want.unit)) {
      problems.add("enabled", "needs an [Install] section in the unit");
    }
    if (want.running && /@\.[a-z]+$/.test(want.name ?? "")) {
      problems.add("running", "a template cannot run; name an instance, such as app@one.service");
    }
    const busy = want.unit !== undefined || Object.keys(want.dropIns ?? {}).length > 0 || want.enabled || want.running;
    if (want.masked && busy)
      problems.add("masked", "a masked unit can have no text and be neither enabled nor running");
  }),
  named: (id) => (unitName.test(id) ? { name: id } : undefined),
  observe: observeUnit,
  plan: planUnit,
  remove: removeUnit,

  refuse(want, seen, ours) {
    if (seen === undefined) return undefined;
    if (seen.aliasOf !== undefined) {
      return { why: `${want.name} is another name of ${seen.aliasOf}`, remedy: `Use the name ${seen.aliasOf}.` };
    }
    if (seen.masked && want.masked === undefined && (want.enabled || want.running || want.unit !== undefined)) {
      return { why: `${want.name} is masked`, remedy: "Set `masked: false` if it should be possible to start it." };
    }
    const isFixed = ["static", "generated", "transient", "indirect"].includes(seen.unitFileState);
    if (want.enabled && isFixed && want.unit === undefined) {
      return {
        why: `${want.name} cannot be enabled: it is ${seen.unitFileState}, started by other units or by a generator`,
        remedy: "Leave `enabled` out, or enable what starts it (its timer, its socket).",
      };
    }
    const theirs = ours ? seen.unfamiliar : differing(want, seen);
    if (want.adopt || theirs.length === 0) return undefined;
    return {
      why: `${theirs.map((file) => `${unitFolder}/${file}`).join(", ")}: exists already, was not made by this program, and differs`,
      remedy:
        "Set `adopt: true` to take it over (what it holds is kept and put back on removal), or remove it on the host.",
    };
  },

  remember(want, seen, memory) {
    // The same text is ours, from a run whose state was lost.
    const isSame = want.unit !== undefined && seen?.unit === want.unit;
    const existed = memory?.existed ?? (seen !== undefined && !isSame);
    const before = { ...memory?.before };
    for (const key of ["enabled", "running", "masked"] as const) {
      if (want[key] !== undefined && before[key] === undefined) before[key] = existed && seen?.[key] === true;
    }
    const theirs = seen === undefined ? [] : memory === undefined ? differing(want, seen) : seen.unfamiliar;
    return {
      existed,
      before,
      written: union(memory?.written, Object.keys(filesOf(want))),
      adopted: union(memory?.adopted, theirs),
    };
  },
};

/** The files that a unit is made of: text by path below /etc/systemd/system. */
export function filesOf({
  name,
  unit,
  dropIns,
}: Pick<SystemdUnitWant, "name" | "unit" | "dropIns">): Record<string, string> {
  const own = unit === undefined || unit === "" ? [] : [[name, unit]];
  return Object.fromEntries([
    ...own,
    ...Object.entries(dropIns).map(([stem, text]) => [`${name}.d/${stem}.conf`, text]),
  ]);
}

function checkNames(want: Partial<SystemdUnitWant>, problems: Problems): void {
  for (const stem of Object.keys(want.dropIns ?? {})) {
    if (!/^[A-Za-z0-9_][A-Za-z0-9:_.-]{0,200}$/.test(stem) || stem.endsWith(".conf")) {
      problems.add(["dropIns", stem], "must be named with letters, digits, : _ . -, without .conf at the end");
    }
  }
  for (const path of Object.keys(want.reads ?? {})) {
    const parsed = absolutePath.safeParse(path);
    if (!parsed.success) problems.add(["reads", path], `the path ${parsed.error.issues[0]?.message}`);
  }
}

function differing(want: SystemdUnitWant, seen: SystemdUnitSeen): string[] {
  const there = filesOf({ name: want.name, unit: seen.unit ?? "", dropIns: seen.dropIns });
  const wanted = Object.entries(filesOf(want));
  return wanted.flatMap(([file, text]) => (Object.hasOwn(there, file) && there[file] !== text ? [file] : [])).sort();
}

function union(known: readonly string[] | undefined, more: readonly string[]): string[] {
  return [...new Set([...(known ?? []), ...more])].sort();
}
