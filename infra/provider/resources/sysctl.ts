import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Host } from "../host/host.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";

/** Kernel parameters, set at once and at every boot. */
export interface SysctlArgs {
  /** Word in the name of the file, `/etc/sysctl.d/60-NAME.conf`: letters, digits, `_` and `-`, at most 64. Changing it replaces the file. */
  name: string;
  /** Value by key as sysctl(8) writes it; a dot inside an interface's name is a slash: `net.ipv4.conf.eth0/1.rp_filter`. */
  values: Record<string, string>;
}

interface SysctlWant {
  name: string;
  values: Record<string, string>;
}

/** What the kernel has now, and what it will get at boot. */
export interface SysctlSeen {
  name: string;
  /** The kernel's values of the keys that are asked for; a key that it does not have, or does not show, is left out. */
  values: Record<string, string>;
  /** What our file sets at boot. */
  persisted: Record<string, string>;
  /** The kernel's values of keys that were asked for before, and no longer are. */
  dropped: Record<string, string>;
}

/** The kernel's values from before us, by key. */
interface SysctlMemory {
  before: Record<string, string>;
}

/** No empty part and no two slashes in a row: turned into a path, they would be `..`. */
const keyForm = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+(\/[A-Za-z0-9_-]+)*)+$/;

const fields = {
  name: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/, "must be one word of letters, digits, _ and -"),
  values: z
    .record(
      z.string().regex(keyForm, "must be a key such as net.ipv4.tcp_syncookies"),
      z
        .string()
        .transform(canonical)
        .pipe(z.string().regex(/^[!-~]+( [!-~]+)*$/, "must be one line of printable ASCII")),
    )
    .refine((values) => Object.keys(values).length > 0, "must name at least one key"),
};

/**
 * Kernel parameters: set at once, and at every boot by a file in /etc/sysctl.d. Removal puts back the values from before.
 *
 * @example
 * new Sysctl("syncookies", { name: "syncookies", values: { "net.ipv4.tcp_syncookies": "1" } });
 *
 * @example
 * new Sysctl("network", {
 *   name: "network",
 *   values: {
 *     "net.ipv4.conf.all.accept_redirects": "0",
 *     "net.ipv4.conf.all.rp_filter": "1",
 *     "net.ipv4.ip_local_port_range": "32768 60999",
 *   },
 * });
 */
export class Sysctl extends HostResource<SysctlArgs> {
  declare readonly name: Output<string>;
  declare readonly values: Output<Record<string, string>>;
  /** What the file sets at boot. */
  declare readonly persisted: Output<Record<string, string>>;

  constructor(name: string, args: Inputs<SysctlArgs>, options?: CustomResourceOptions) {
    super(sysctl.type, name, args, ["persisted", "dropped"], options);
  }
}

/** The lifecycle of `Sysctl`. */
export const sysctl: Kind<SysctlWant, SysctlSeen, SysctlMemory> = {
  type: "onprem:linux:Sysctl",
  summary: "Kernel parameters, set at once and at every boot.",
  fields,
  identity: ["name"],
  check: byFields<SysctlWant>(fields),
  named: (name) => (fields.name.safeParse(name).success ? { name } : undefined),

  async observe(host, want, prior) {
    const name = want.name ?? "";
    const old = Object.keys(prior?.values ?? {}).filter((key) => !(key in (want.values ?? {})));
    const [[file], values, dropped] = await Promise.all([
      host.inspect(fileOf(name), { content: 1024 * 1024 }),
      live(host, Object.keys(want.values ?? {})),
      live(host, old),
    ]);
    const persisted = parse(new TextDecoder().decode(file?.content));
    if (want.values !== undefined) return { name, values, persisted, dropped };
    // Imported: the file says which keys are meant.
    return file === undefined
      ? undefined
      : { name, values: await live(host, Object.keys(persisted)), persisted, dropped };
  },

  plan(want, seen, memory) {
    const steps: Step[] = [];
    // The kernel first: what it refuses must not be tried again at every boot.
    for (const [key, value] of sorted(want.values)) {
      if (seen?.values[key] !== value) steps.push(set(key, value, "values"));
    }
    steps.push(...restore(seen?.dropped ?? {}, memory));
    if (text(seen?.persisted ?? {}) !== text(want.values)) {
      steps.push(
        write(`write ${fileOf(want.name)}`, {
          path: fileOf(want.name),
          content: text(want.values),
          owner: "root",
          group: "root",
          mode: "0644",
          property: "persisted",
        }),
      );
    }
    return steps;
  },

  remove(seen, memory) {
    const written = Object.keys(seen.persisted).length > 0;
    return [
      ...(written ? [run(`remove ${fileOf(seen.name)}`, ["rm", "-f", "--", fileOf(seen.name)])] : []),
      ...restore({ ...seen.values, ...seen.dropped }, memory),
    ];
  },

  refuse(want, seen, ours) {
    if (seen === undefined) return undefined;
    const missing = Object.keys(want.values).filter((key) => !(key in seen.values));
    if (missing.length > 0) {
      return {
        why: `the kernel does not have, or does not show, ${missing.sort().join(", ")}`,
        remedy:
          "Check the spelling; some keys exist only while a kernel module is loaded, or while an interface is there.",
      };
    }
    const foreign = text(seen.persisted);
    if (ours || foreign === "" || foreign === text(want.values)) return undefined;
    return {
      why: `${fileOf(want.name)} exists already, was not made by this program, and differs`,
      remedy: "Choose another name, or take the file over with `pulumi import`.",
    };
  },

  remember(want, seen, memory) {
    const before: Record<string, string> = {};
    for (const [key, value] of Object.entries({ ...seen?.dropped, ...seen?.values })) {
      const first = memory?.before[key] ?? value;
      if (key in want.values || key in (seen?.dropped ?? {})) before[key] = first;
    }
    return { before };
  },
};

function fileOf(name: string): string {
  return `/etc/sysctl.d/60-${name}.conf`;
}

/** The kernel's values of the given keys; those that it does not have, or does not show, are left out. */
async function live(host: Host, keys: readonly string[]): Promise<Record<string, string>> {
  const read = async (key: string): Promise<[string, string][]> => {
    const [seen] = await host.inspect(`/proc/sys/${swapped(key)}`, { content: 64 * 1024 });
    return seen?.content === undefined ? [] : [[key, canonical(new TextDecoder().decode(seen.content))]];
  };
  return Object.fromEntries((await Promise.all(keys.map(read))).flat());
}

/** Between a key and its path below /proc/sys: dots become slashes and slashes become dots (sysctl.d(5)). */
function swapped(key: string): string {
  return key.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

/** The kernel separates numbers by tabs. */
function canonical(value: string): string {
  return value.trim().replace(/\s+/g, " ");
}

function set(key: string, value: string, property?: string): Step {
  const title = `set ${key} to ${value}`;
  return run(title, ["sysctl", "-w", "--", `${key}=${value}`], property === undefined ? {} : { property });
}

/** Puts back what is remembered and differs. */
function restore(values: Record<string, string>, memory: SysctlMemory | undefined): Step[] {
  return sorted(values).flatMap(([key, value]) => {
    const before = memory?.before[key];
    return before === undefined || before === value ? [] : [set(key, before, "dropped")];
  });
}

function sorted(values: Record<string, string>): [string, string][] {
  return Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
}

/** The file as sysctl.d(5) reads it. */
function text(values: Record<string, string>): string {
  return sorted(values)
    .map(([key, value]) => `${key} = ${value}\n`)
    .join("");
}

function parse(file: string): Record<string, string> {
  return Object.fromEntries(
    file.split("\n").flatMap((line): [string, string][] => {
      const [, key, value] = /^\s*-?\s*([^#;=\s][^=\s]*)\s*=(.*)$/.exec(line) ?? [];
      if (key === undefined) return [];
      // A key whose first separator is a slash is written as a path.
      return [[/^[^.]*\//.test(key) ? swapped(key) : key, canonical(value ?? "")]];
    }),
  );
}
