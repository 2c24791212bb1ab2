import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import type { Step } from "../step.ts";
import { hold, install, settle, unhold, uninstall } from "./apt.ts";

/** Which Debian packages should be installed. */
export interface PackageArgs {
  /**
   * By package name: `"installed"` for any version, or exactly one version as dpkg writes it (`"7.88.1-10+deb12u8"`), which is then put on hold.
   * A package that leaves the map is removed if it was installed by this resource. dpkg refuses to remove what another package needs.
   */
  packages: Record<string, string>;
  /**
   * Install recommended packages too.
   * @default false
   */
  recommends?: boolean;
  /**
   * Remove configuration files too when a package is removed.
   * @default false
   */
  purge?: boolean;
  /**
   * Seconds to wait for another package manager; 0 to 3,600.
   * @default 300
   */
  lockTimeout?: number;
}

interface PackageWant {
  packages: Record<string, string>;
  recommends: boolean;
  purge: boolean;
  lockTimeout: number;
}

/** What dpkg knows of the packages. */
export interface PackageSeen {
  /** By name: `installed`, or the version where one was asked for; else `absent` or what is wrong. */
  packages: Record<string, string>;
  /** Versions of those that are properly installed. */
  versions: Record<string, string>;
  /** Those on hold. */
  held: string[];
}

interface PackageMemory {
  /** Packages that were absent before us: removal removes these and no others. */
  absent: string[];
  /** Packages that we put on hold. */
  held: string[];
  purge: boolean;
  lockTimeout: number;
}

/** Policy manual, section 5.6.1; a closing dash would tell apt-get to remove the package. */
const packageName = /^[a-z0-9][a-z0-9+.-]*[a-z0-9+.](:[a-z0-9-]*[a-z0-9])?$/;
/** Policy manual, section 5.6.12. */
const packageVersion = /^([0-9]+:)?[0-9][A-Za-z0-9.+~-]*$/;

const fields = {
  packages: z
    .record(
      z.string(),
      z
        .string()
        .refine(
          (version) => version === "installed" || packageVersion.test(version),
          'must be "installed" or a version',
        ),
    )
    .refine((packages) => Object.keys(packages).length > 0, "must name at least one package"),
  recommends: z.boolean().default(false),
  purge: z.boolean().default(false),
  lockTimeout: z.int().min(0).max(3600).default(300),
};

/**
 * Debian packages, installed with apt: several names in one resource, each with any version or a pinned one.
 *
 * @example
 * new Package("tools", { packages: { curl: "installed", jq: "installed" } });
 *
 * @example
 * new Package("docker", { packages: { "docker.io": "20.10.24+dfsg1-1+deb12u1" }, purge: true, lockTimeout: 900 });
 *
 * @importId the names of the packages, joined by commas; a pinned one as `name=version`.
 */
export class Package extends HostResource<PackageArgs> {
  declare readonly packages: Output<Record<string, string>>;
  /** Versions of the installed packages. */
  declare readonly versions: Output<Record<string, string>>;

  constructor(name: string, args: Inputs<PackageArgs>, options?: CustomResourceOptions) {
    super(aptPackage.type, name, args, ["versions", "held"], options);
  }
}

/** The lifecycle of `Package`. */
export const aptPackage: Kind<PackageWant, PackageSeen, PackageMemory> = {
  type: "onprem:linux:Package",
  summary: "Debian packages, installed with apt.",
  fields,
  identity: [],
  check: byFields<PackageWant>(fields, ({ packages }, problems) => {
    for (const name of Object.keys(packages ?? {}).filter((name) => !packageName.test(name))) {
      problems.add(
        ["packages", name],
        `${JSON.stringify(name)} is no package name: a-z, 0-9, + . -, not ending in a dash`,
      );
    }
  }),
  id: ({ packages }) => Object.keys(packages).sort().join(","),
  named(id) {
    const entries = id.split(",").map((word) => word.split("="));
    const packages = Object.fromEntries(entries.map(([name = "", version = "installed"]) => [name, version]));
    return entries.every(([name = ""]) => packageName.test(name)) ? { packages } : undefined;
  },

  async observe(host, want, prior) {
    const wanted = want.packages ?? {};
    const names = [...new Set([...Object.keys(wanted), ...Object.keys(prior?.packages ?? {})])].sort();
    if (names.length === 0) return { packages: {}, versions: {}, held: [] };
    // Exit code 1: at least one of the packages is not known.
    const answer = await host.look(["dpkg-query", "-W", "-f", dpkgFormat, "--", ...names], { exits: [0, 1] });
    return seenPackages(names, wanted, parseDpkg(answer.stdout));
  },

  plan(want, seen, memory) {
    const { packages = {}, versions = {}, held = [] } = seen ?? {};
    const pinned = (name: string) => want.packages[name] !== "installed";
    const names = Object.keys(want.packages).sort();
    const missing = names.filter(
      (name) => versions[name] === undefined || (pinned(name) && versions[name] !== want.packages[name]),
    );
    const dropped = Object.keys(packages).filter((name) => want.packages[name] === undefined);
    const gone = dropped.filter((name) => versions[name] !== undefined && memory?.absent.includes(name));
    const released = held.filter(
      (name) => missing.includes(name) || (!(names.includes(name) && pinned(name)) && memory?.held.includes(name)),
    );
    const holding = names.filter((name) => pinned(name) && (!held.includes(name) || released.includes(name)));
    const words = missing.map((name) => (pinned(name) ? `${name}=${want.packages[name]}` : name));
    const downgrades = missing.some(pinned);
    const { lockTimeout: patience, recommends, purge } = want;
    return [
      ...(missing.length + gone.length > 0 ? [settle(patience)] : []),
      ...(released.length > 0 ? [unhold(released)] : []),
      ...(missing.length > 0 ? [install(words, { patience, recommends, downgrades })] : []),
      ...(gone.length > 0 ? [uninstall(gone, purge)] : []),
      ...(holding.length > 0 ? [hold(holding)] : []),
    ];
  },

  remove({ versions, held }, memory) {
    if (memory === undefined) return [];
    const gone = memory.absent.filter((name) => versions[name] !== undefined);
    const released = memory.held.filter((name) => held.includes(name));
    const steps: Step[] = released.length > 0 ? [unhold(released)] : [];
    if (gone.length > 0) steps.push(settle(memory.lockTimeout), uninstall(gone, memory.purge));
    return steps;
  },

  remember({ packages: wanted, purge, lockTimeout }, seen, memory) {
    const { packages = {}, versions = {}, held = [] } = seen ?? {};
    const names = Object.keys(wanted);
    const absent = names.filter((name) => packages[name] === undefined || packages[name] === "absent");
    const holding = names.filter((name) => wanted[name] !== "installed" && !held.includes(name));
    return {
      absent: union(
        memory?.absent.filter((name) => names.includes(name) || versions[name] !== undefined),
        absent,
      ),
      held: union(
        memory?.held.filter((name) => names.includes(name) || held.includes(name)),
        holding,
      ),
      purge,
      lockTimeout,
    };
  },
};

/** One line of `dpkg-query`, in the order of `dpkgFormat`. */
interface DpkgLine {
  readonly name: string;
  readonly architecture: string;
  readonly version: string;
  /** What was asked of dpkg: `install`, `hold`, `deinstall`, … */
  readonly selection: string;
  /** `installed`, `config-files`, `half-configured`, …; dpkg(1). */
  readonly status: string;
  /** `ok` or `reinstreq`. */
  readonly flag: string;
}

const dpkgFields = ["Package", "Architecture", "Version", "db:Status-Want", "db:Status-Status", "db:Status-Eflag"];
const dpkgFormat = `${dpkgFields.map((field) => `\${${field}}`).join("\\t")}\\n`;

function parseDpkg(stdout: string): DpkgLine[] {
  const lines = stdout.split("\n").filter((line) => line !== "");
  return lines.map((line) => {
    const [name = "", architecture = "", version = "", selection = "", status = "", flag = ""] = line.split("\t");
    return { name, architecture, version, selection, status, flag };
  });
}

function seenPackages(
  names: readonly string[],
  wanted: Readonly<Record<string, string>>,
  lines: readonly DpkgLine[],
): PackageSeen {
  const seen: PackageSeen = { packages: {}, versions: {}, held: [] };
  for (const name of names) {
    const line = lineOf(name, lines);
    const state = line === undefined ? "absent" : stateOf(line);
    if (line !== undefined && state === "installed") seen.versions[name] = line.version;
    const isHeld = line?.selection === "hold" && state !== "absent";
    if (isHeld) seen.held.push(name);
    const want = wanted[name];
    // A package that left the program and the host is no matter any more.
    if (want === undefined && state === "absent") continue;
    const isPinned = state === "installed" && want !== undefined && want !== "installed";
    seen.packages[name] = isPinned ? `${line?.version}${isHeld ? "" : ", not on hold"}` : state;
  }
  return seen;
}

/** Of several architectures the one that is installed. */
function lineOf(name: string, lines: readonly DpkgLine[]): DpkgLine | undefined {
  const [base, architecture] = name.split(":");
  const same = lines.filter(
    (line) => line.name === base && (architecture === undefined || line.architecture === architecture),
  );
  return same.find((line) => line.status === "installed") ?? same[0];
}

function stateOf({ status, flag }: DpkgLine): string {
  if (status === "not-installed" || status === "config-files") return "absent";
  return flag === "reinstreq" ? `${status}, must be installed again` : status;
}

function union(known: readonly string[] | undefined, more: readonly string[]): string[] {
  return [...new Set([...(known ?? []), ...more])].sort();
}
