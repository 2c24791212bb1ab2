import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";

/** In which time zone a server shows and schedules. */
export interface TimeZoneArgs {
  /** Name in the tz database: `Europe/Copenhagen`. It must exist on the server (package tzdata). */
  zone: string;
}

interface TimeZoneWant {
  zone: string;
}

/** The server's time zone. */
export interface TimeZoneSeen {
  /** Where /etc/localtime points; `UTC` where it is absent (localtime(5)), what it is in parentheses where it is no link. */
  zone: string;
  /** Whether the server has the zone that is wanted. */
  known: boolean;
  /** What /etc/timezone holds, which Debian's own tools read; left out where there is none. */
  timezoneFile?: string;
}

type TimeZoneMemory = Pick<TimeZoneSeen, "zone" | "timezoneFile">;

const folder = "/usr/share/zoneinfo";

const fields = {
  zone: z
    .string()
    .regex(/^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/, "must be a name in the tz database, such as Europe/Copenhagen"),
};

/**
 * A server's time zone. Programs that run already keep the old one until they are restarted. There is one per server;
 * removal puts back the zone from before.
 *
 * @example
 * new TimeZone("time-zone", { zone: "Europe/Copenhagen" });
 *
 * @importId `time-zone`.
 */
export class TimeZone extends HostResource<TimeZoneArgs> {
  declare readonly zone: Output<string>;

  constructor(name: string, args: Inputs<TimeZoneArgs>, options?: CustomResourceOptions) {
    super(timeZone.type, name, args, ["known", "timezoneFile"], options);
  }
}

/** The lifecycle of `TimeZone`. */
export const timeZone: Kind<TimeZoneWant, TimeZoneSeen, TimeZoneMemory> = {
  type: "onprem:linux:TimeZone",
  summary: "A server's time zone.",
  fields,
  identity: [],
  check: byFields<TimeZoneWant>(fields),
  id: () => "time-zone",
  named: (id) => (id === "time-zone" ? {} : undefined),

  async observe(host, want) {
    const [[link], [file], [wanted]] = await Promise.all([
      host.inspect("/etc/localtime"),
      host.inspect("/etc/timezone", { content: 4096 }),
      host.inspect(`${folder}/${want.zone ?? "UTC"}`),
    ]);
    return {
      zone: link === undefined ? "UTC" : zoneOf(link.target ?? "", link.type),
      known: wanted?.type === "file" || wanted?.type === "link",
      ...(file === undefined ? {} : { timezoneFile: new TextDecoder().decode(file.content).trim() }),
    };
  },

  plan: ({ zone }, seen) => steps(seen, { zone, timezoneFile: zone }),

  remove(seen, memory) {
    // What was no link cannot be made again.
    return memory === undefined || memory.zone.startsWith("(") ? [] : steps(seen, memory);
  },

  refuse({ zone }, seen) {
    if (seen === undefined || seen.known) return undefined;
    return {
      why: `there is no time zone ${zone} in ${folder}`,
      remedy: "Check the spelling (`timedatectl list-timezones` lists all), or install the package tzdata first.",
    };
  },

  remember(_, seen, memory) {
    if (memory !== undefined || seen === undefined) return memory ?? { zone: "UTC" };
    const { zone, timezoneFile } = seen;
    return { zone, ...(timezoneFile === undefined ? {} : { timezoneFile }) };
  },
};

function steps(seen: TimeZoneSeen | undefined, { zone, timezoneFile }: TimeZoneMemory): Step[] {
  const found: Step[] = [];
  if (seen?.zone !== zone) {
    // ln makes the new link beside the old one and renames it: the zone is never absent.
    const argv = ["ln", "-sfT", "--", `${folder}/${zone}`, "/etc/localtime"];
    found.push(run(`set the time zone to ${zone}`, argv, { property: "zone" }));
  }
  // Never made where it is not: the newest Debian does without.
  if (timezoneFile !== undefined && seen?.timezoneFile !== undefined && seen.timezoneFile !== timezoneFile) {
    const file = { path: "/etc/timezone", content: `${timezoneFile}\n`, owner: "root", group: "root", mode: "0644" };
    found.push(write("write /etc/timezone", { ...file, property: "timezoneFile" }));
  }
  return found;
}

function zoneOf(target: string, type: string): string {
  return /zoneinfo\/(.+)$/.exec(target)?.[1] ?? (target === "" ? `(a ${type})` : `(${target})`);
}
