import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";
import { localNames, withLocalNames } from "./hosts-file.ts";

/** What a server is called. */
export interface HostnameArgs {
  /**
   * The server's whole name, `dev.example.dk`, or its first label alone. The first label becomes the host name; /etc/hosts
   * says that both are this server. At most 253 characters, 63 a label (RFC 1123, section 2.1).
   */
  name: string;
}

interface HostnameWant {
  name: string;
}

/** What the server calls itself. */
export interface HostnameSeen {
  /** The host name, with the domain that /etc/hosts gives it. */
  name: string;
  /** What /etc/hostname holds, from which a boot takes the name; empty where there is none. */
  stored: string;
  /** What the kernel says now. */
  live: string;
  /** The text of /etc/hosts; left out where it is no plain file of UTF-8 text. */
  hosts?: string;
}

/** What the server was called before us. */
interface HostnameMemory {
  stored: string;
  /** The names that /etc/hosts gave to 127.0.1.1; one list for each line. */
  names: string[][];
}

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";

const fields = {
  name: z
    .string()
    .transform((name) => name.toLowerCase())
    .pipe(
      z
        .string()
        .regex(
          new RegExp(`^${label}(?:\\.${label})*$`),
          "must be a host name: labels of a-z, 0-9 and -, joined by dots",
        )
        .refine((name) => name.length <= 253, "must be at most 253 characters")
        .refine((name) => name.split(".")[0] !== "localhost", "must not be localhost, which is every server's name"),
    ),
};

/**
 * What a server is called: the host name, now and after a boot, and its line in /etc/hosts, 127.0.1.1 as on every Debian
 * and Ubuntu (Debian reference, section 5.1.1). There is one per server; removal puts back the name from before.
 *
 * @example
 * new Hostname("hostname", { name: "os2mo-test.example.dk" });
 *
 * @importId `hostname`.
 */
export class Hostname extends HostResource<HostnameArgs> {
  declare readonly name: Output<string>;

  constructor(name: string, args: Inputs<HostnameArgs>, options?: CustomResourceOptions) {
    super(hostname.type, name, args, ["stored", "live", "hosts"], options);
  }
}

/** The lifecycle of `Hostname`. */
export const hostname: Kind<HostnameWant, HostnameSeen, HostnameMemory> = {
  type: "onprem:linux:Hostname",
  summary: "What a server is called: its host name and its line in /etc/hosts.",
  fields,
  identity: [],
  check: byFields<HostnameWant>(fields),
  id: () => "hostname",
  named: (id) => (id === "hostname" ? {} : undefined),

  async observe(host) {
    const [[file], [kernel], [hosts]] = await Promise.all([
      host.inspect("/etc/hostname", { content: 4096 }),
      host.inspect("/proc/sys/kernel/hostname", { content: 4096 }),
      host.inspect("/etc/hosts", { content: 1024 * 1024 }),
    ]);
    const stored = new TextDecoder().decode(file?.content).trim();
    const text = hosts === undefined ? "" : hosts.content && decoded(hosts.content);
    return {
      name: wholeName(stored, text ?? ""),
      stored,
      live: new TextDecoder().decode(kernel?.content).trim(),
      ...(text === undefined ? {} : { hosts: text }),
    };
  },

  plan: ({ name }, seen) => {
    const short = firstLabel(name);
    return steps(seen, short, [name === short ? [name] : [name, short]]);
  },

  remove(seen, memory) {
    return memory === undefined ? [] : steps(seen, memory.stored, memory.names);
  },

  refuse(_, seen) {
    if (seen === undefined || seen.hosts !== undefined) return undefined;
    return {
      why: "/etc/hosts is no plain file of UTF-8 text",
      remedy: "Look at what it is, and make it one on the host.",
    };
  },

  remember(_, seen, memory) {
    return memory ?? { stored: seen?.stored ?? "", names: localNames(seen?.hosts ?? "") };
  },
};

/** The steps to a host name and its lines in /etc/hosts. The lines first: sudo asks for its own host's address. */
function steps(seen: HostnameSeen | undefined, name: string, names: readonly string[][]): Step[] {
  const found: Step[] = [];
  const file = { owner: "root", group: "root", mode: "0644" };
  const hosts = seen?.hosts ?? "";
  if (JSON.stringify(localNames(hosts)) !== JSON.stringify(names)) {
    const content = withLocalNames(hosts, names);
    found.push(write("write /etc/hosts", { path: "/etc/hosts", content, ...file, property: "hosts" }));
  }
  // Before us there may have been none; then the one that is there stays.
  if (name === "") return found;
  if (seen?.stored !== name) {
    const content = `${name}\n`;
    found.push(write("write /etc/hostname", { path: "/etc/hostname", content, ...file, property: "name" }));
  }
  if (seen?.live !== name) found.push(run(`call the server ${name}`, ["hostname", "--", name], { property: "live" }));
  return found;
}

/** The host name with the domain that /etc/hosts gives it. */
function wholeName(stored: string, hosts: string): string {
  const whole = localNames(hosts)[0]?.[0] ?? "";
  return firstLabel(whole) === stored ? whole : stored;
}

function firstLabel(name: string): string {
  return name.split(".")[0] ?? "";
}

/** A lossy text would spoil the other lines. */
function decoded(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
