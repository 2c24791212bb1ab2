import { createHash } from "node:crypto";
import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Host } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";
import { bootUnit, rulesFile, unitFile, unitName } from "./firewall-boot.ts";
import type { Read } from "./firewall-listing.ts";
import { liveTable, same } from "./firewall-live.ts";
import { addressRanges } from "./firewall-range.ts";
import { type Inbound, keepOpenScript, type Outbound, rulesOf, trackingOf } from "./firewall-rules.ts";

/** Who may talk to whom; everything else is blocked, in both directions and for containers too. */
export interface FirewallArgs {
  /**
   * Name of our nftables table in the family inet: `onprem`, or a name that begins with it. Changing it replaces the firewall.
   * @default "onprem"
   */
  table?: string;
  /** Connections that may come in, by a name of your choice. Published ports of containers are reached by these only. */
  inbound: Record<string, Inbound>;
  /** Connections that the host and its containers may open, by a name of your choice. */
  outbound: Record<string, Outbound>;
  /**
   * Ranges that may ping the host, and that it and its containers may ping.
   * @default []
   */
  ping?: string[];
  /**
   * Bridges of containers, which may talk to each other; a star at the end stands for anything.
   * @default ["br-*", "docker0"]
   */
  trustedBridges?: string[];
  /**
   * Write what is blocked to the kernel's log, at most five packets a second and place.
   * @default false
   */
  logDropped?: boolean;
  /**
   * Take over a host where `nftables.service` is enabled, which would flush these rules whenever it starts or stops, or a
   * table of this name that somebody else made.
   * @default false
   */
  adopt?: boolean;
  /**
   * Seconds until the host undoes a change that could not be confirmed over a new connection, 10 to 3600.
   * @default 60
   */
  confirmSeconds?: number;
}

type FirewallWant = Required<FirewallArgs>;

/** What the kernel has, and what it will get at boot. */
export interface FirewallSeen extends Read {
  table: string;
  /** Whether the kernel has the table. */
  loaded: boolean;
  /** Hexadecimal SHA-256 of the rules that are loaded at boot; empty where there is no file. */
  rules: string;
  /** The same of the unit that loads them. */
  unit: string;
  /** Whether the unit runs at boot. */
  atBoot: boolean;
  /** State of the distribution's nftables.service, empty where it is not installed: `masked` is what keeps our rules safe. */
  nftablesService: string;
}

/** Whether removal takes the mask off nftables.service again. */
interface FirewallMemory {
  unmask: boolean;
}

const service = "nftables.service";

const name = z
  .string()
  .regex(
    /^[\p{L}\p{N}][\p{L}\p{N} ._/-]*$/u,
    "must begin with a letter or digit and hold letters, digits, spaces, . _ / - only",
  )
  .refine((text) => Buffer.byteLength(text) <= 100, "must be at most 100 bytes");

const ports = z
  .array(z.int().min(1).max(65535))
  .min(1, "must name at least one port")
  .transform((numbers) => [...new Set(numbers)].sort((one, other) => one - other));

const somebody = addressRanges.refine((ranges) => ranges.length > 0, "must name at least one range");

const fields = {
  table: z
    .string()
    .regex(/^onprem[a-z0-9_]{0,20}$/, 'must be "onprem", or begin with it and go on in a-z, 0-9 and _')
    .default("onprem"),
  inbound: z.record(name, z.strictObject({ protocol: z.enum(["tcp", "udp"]), ports, from: somebody })),
  outbound: z.record(name, z.strictObject({ protocol: z.enum(["tcp", "udp"]), ports, to: somebody })),
  ping: addressRanges.default([]),
  trustedBridges: z
    .array(
      z
        .string()
        .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}\*?$/, "must be the name of an interface, a star allowed at the end"),
    )
    .transform((names) => [...new Set(names)].sort())
    .default(["br-*", "docker0"]),
  logDropped: z.boolean().default(false),
  adopt: z.boolean().default(false),
  confirmSeconds: z.int().min(10).max(3600).default(60),
};

/**
 * The host's firewall: a table of our own in nftables, for IPv4 and IPv6, that blocks everything but what is named here.
 *
 * It holds for containers with published ports too, leaves Docker's own rules and every other table alone, cuts no
 * connection that is open when it comes, and is undone by the host itself when a change locks us out.
 *
 * @example
 * new Firewall("firewall", {
 *   inbound: { ssh: { protocol: "tcp", ports: [22], from: ["10.20.0.0/24"] } },
 *   outbound: {},
 * });
 *
 * @example
 * new Firewall("firewall", {
 *   inbound: {
 *     ssh: { protocol: "tcp", ports: [22], from: ["10.20.0.0/24", "fd00:20::/64"] },
 *     web: { protocol: "tcp", ports: [80, 443], from: ["10.0.0.0/8", "fd00::/8"] },
 *   },
 *   outbound: {
 *     dns: { protocol: "udp", ports: [53], to: ["10.0.0.53"] },
 *     salt: { protocol: "tcp", ports: [4505, 4506], to: ["198.51.100.7"] },
 *   },
 *   ping: ["10.20.0.0/24"],
 *   trustedBridges: ["docker0"],
 *   logDropped: true,
 *   confirmSeconds: 120,
 * });
 */
export class Firewall extends HostResource<FirewallArgs> {
  declare readonly table: Output<string>;
  declare readonly inbound: Output<Record<string, Inbound>>;
  declare readonly outbound: Output<Record<string, Outbound>>;
  /** Hexadecimal SHA-256 of the rules that are loaded at boot; known in preview. */
  declare readonly rules: Output<string>;

  constructor(name: string, args: Inputs<FirewallArgs>, options?: CustomResourceOptions) {
    super(firewall.type, name, args, ["loaded", "rules", "unit", "atBoot", "nftablesService", "foreign"], options);
  }
}

/** The lifecycle of `Firewall`. */
export const firewall: Kind<FirewallWant, FirewallSeen, FirewallMemory> = {
  type: "onprem:linux:Firewall",
  summary: "The host's firewall: a table of our own in nftables that blocks everything but what is named.",
  fields,
  identity: ["table"],
  check: byFields<FirewallWant>(fields),
  named: (table) => (fields.table.safeParse(table).success ? { table } : undefined),

  async observe(host, want) {
    const table = want.table ?? "onprem";
    const [live, [rules], [unit], states] = await Promise.all([
      liveTable(host, table, want),
      host.inspect(rulesFile(table), { hash: true }),
      host.inspect(unitFile(table), { hash: true }),
      unitStates(host, [unitName(table), service]),
    ]);
    const nftablesService = states[service] ?? "";
    const ours = live !== undefined || rules !== undefined || unit !== undefined;
    // What masked or enabled nftables.service must be known before we come, for refusal and for removal.
    if (!ours && (want.inbound === undefined || ["", "disabled"].includes(nftablesService))) return undefined;
    return {
      table,
      ...(live ?? { inbound: {}, outbound: {}, ping: [], trustedBridges: [], logDropped: false, foreign: [] }),
      loaded: live !== undefined,
      rules: rules?.sha256 ?? "",
      unit: unit?.sha256 ?? "",
      atBoot: states[unitName(table)] === "enabled",
      nftablesService,
    };
  },

  plan(want, seen) {
    const { table } = want;
    const rules = rulesOf(table, want);
    const steps: Step[] = [];
    if (seen?.rules !== hash(rules)) {
      const root = { owner: "root", group: "root" };
      steps.push(
        run(`make the folder of ${rulesFile(table)}`, ["install", "-d", "-m", "0755", "--", "/etc/onprem"]),
        write(`write ${rulesFile(table)}`, {
          path: rulesFile(table),
          content: rules,
          ...root,
          mode: "0600",
          validate: ["nft", "-c", "-f", "{}"],
          property: "rules",
        }),
      );
    }
    if (seen?.unit !== hash(bootUnit(table))) {
      steps.push(
        write(`write ${unitFile(table)}`, {
          path: unitFile(table),
          content: bootUnit(table),
          owner: "root",
          group: "root",
          mode: "0644",
          property: "unit",
        }),
        run("make systemd read its units again", ["systemctl", "daemon-reload"], { property: "unit" }),
      );
    }
    if (!seen?.atBoot) {
      const argv = ["systemctl", "enable", "--", unitName(table)];
      steps.push(run(`load the rules at boot by ${unitName(table)}`, argv, { property: "atBoot" }));
    }
    // Its unit flushes every table when it starts and when it stops, whoever made them.
    if (seen?.nftablesService !== "masked") {
      steps.push(run(`mask ${service}`, ["systemctl", "mask", "--", service], { property: "nftablesService" }));
    }
    if (!seen?.loaded || seen.foreign.length > 0 || !same(want, seen)) {
      const property = seen?.loaded ? "inbound" : "loaded";
      steps.push(
        run("make the kernel follow connections", ["nft", "-f", "-"], { stdin: trackingOf(table), property }),
        run("let open connections live on", ["sh", "-euc", keepOpenScript, "sh", table], { property }),
        run("load the rules", ["nft", "-f", "-"], { stdin: rulesOf(table, want, seen?.foreign), property }),
      );
    }
    return steps;
  },

  remove({ table, unit, rules, loaded, nftablesService }, memory) {
    return [
      ...(unit === ""
        ? []
        : [
            run(`disable ${unitName(table)}`, ["systemctl", "disable", "--now", "--", unitName(table)]),
            run(`remove ${unitFile(table)}`, ["rm", "-f", "--", unitFile(table)]),
            run("make systemd read its units again", ["systemctl", "daemon-reload"]),
          ]),
      ...(rules === ""
        ? []
        : [
            run(`remove ${rulesFile(table)}`, ["rm", "-f", "--", rulesFile(table)]),
            run("remove its folder", ["rmdir", "--ignore-fail-on-non-empty", "--", "/etc/onprem"]),
          ]),
      ...(loaded ? [run(`delete the table ${table}`, deleteTable(table))] : []),
      ...(memory?.unmask && nftablesService === "masked"
        ? [run(`unmask ${service}`, ["systemctl", "unmask", "--", service])]
        : []),
    ];
  },

  refuse(want, seen, ours) {
    if (ours || want.adopt || seen === undefined) return undefined;
    if (seen.nftablesService === "enabled") {
      return {
        why: `${service} is enabled there: its rules and these would take turns, for it flushes all others when it starts`,
        remedy:
          "Bring its rules over to this program and set `adopt: true` (it is then masked), or disable it on the host.",
      };
    }
    if (seen.rules === "" && !seen.loaded) return undefined;
    if (seen.rules === hash(rulesOf(want.table, want)) && same(want, seen)) return undefined;
    return {
      why: `a table inet ${want.table} is there already, was not made by this program, and differs`,
      remedy: "Set `adopt: true` to take it over, or choose another `table`.",
    };
  },

  remember: (_want, seen, memory) => memory ?? { unmask: seen?.nftablesService !== "masked" },

  foresee: (want) => ({
    loaded: true,
    rules: hash(rulesOf(want.table, want)),
    unit: hash(bootUnit(want.table)),
    atBoot: true,
    nftablesService: "masked",
    foreign: [],
  }),

  guard(want) {
    // A removal only opens.
    if (want === undefined) return undefined;
    return {
      name: "firewall",
      files: [rulesFile(want.table)],
      save: { table: ["nft", "list", "table", "inet", want.table] },
      restore: [deleteTable(want.table), ["nft", "-f", "{table}"]],
      seconds: want.confirmSeconds,
    };
  },
};

/** Deletes the table, also where there is none. */
function deleteTable(table: string): readonly string[] {
  return ["nft", `add table inet ${table}; delete table inet ${table}`];
}

/** Whether units are enabled, disabled or masked, by name; those that are not there are left out. */
async function unitStates(host: Host, names: readonly string[]): Promise<Record<string, string>> {
  const { stdout } = await host.look(["systemctl", "show", "--property=Id,UnitFileState", "--", ...names]);
  const blocks = stdout.trim().split(/\n\n+/);
  return Object.fromEntries(
    names.map((unit, index) => [unit, /^UnitFileState=(.*)$/m.exec(blocks[index] ?? "")?.[1] ?? ""]),
  );
}

function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
