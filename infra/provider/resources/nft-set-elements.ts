import type { CustomResourceOptions, Output } from "@pulumi/pulumi";
import { z } from "zod";
import { byFields } from "../fields.ts";
import type { Kind } from "../kind.ts";
import { ipAddress } from "../ranges.ts";
import { HostResource, type Inputs } from "../resource.ts";
import { run, type Step, write } from "../step.ts";

/** Addresses in a set of nftables that somebody else keeps. */
export interface NftSetElementsArgs {
  /** Family and name of the table, as nft(8) has them: `inet salt_gate`. Changing it replaces the elements. */
  table: string;
  /** Name of the set: `allowed_v4`. Changing it replaces the elements. */
  set: string;
  /** Whose elements these are: the server's host name. Changing it replaces the elements. */
  name: string;
  /** IP addresses of the set's family. */
  elements: string[];
}

interface NftSetElementsWant {
  table: string;
  set: string;
  name: string;
  elements: string[];
}

/** Those that our file has, and what of them is in the set. */
export interface NftSetElementsSeen extends NftSetElementsWant {
  /** Whether the set gets them again whenever the rules are loaded. */
  atBoot: boolean;
  /** Whether there is such a set. */
  there: boolean;
  /** Those of our file that the set does not have. */
  missing: string[];
}

const fields = {
  table: z
    .string()
    .regex(/^(ip|ip6|inet) [a-z][a-z0-9_-]{0,31}$/, "must be a family and a table, such as `inet salt_gate`"),
  set: z.string().regex(/^[a-z][a-z0-9_-]{0,31}$/, "must be the name of a set"),
  name: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/, "must be a host name in lower case, as the name of a file"),
  elements: z
    .array(ipAddress)
    .min(1, "must name at least one address")
    .transform((elements) => [...new Set(elements)].sort()),
};

/**
 * Addresses in a set of nftables that is there already, such as who may reach a Salt master. Others' addresses are left
 * alone, and one that others have too stays when it is removed here. A drop-in of `nftables.service` adds them again when
 * the rules are loaded.
 *
 * @example
 * new NftSetElements("external", {
 *   table: "inet salt_gate",
 *   set: "allowed_v4",
 *   name: "os2mo.kommune.dk",
 *   elements: ["198.51.100.30"],
 * });
 *
 * @importId table, set and name, joined by commas.
 */
export class NftSetElements extends HostResource<NftSetElementsArgs> {
  declare readonly elements: Output<string[]>;

  constructor(name: string, args: Inputs<NftSetElementsArgs>, options?: CustomResourceOptions) {
    super(nftSetElements.type, name, args, ["atBoot", "there", "missing"], options);
  }
}

/** The lifecycle of `NftSetElements`. */
export const nftSetElements: Kind<NftSetElementsWant, NftSetElementsSeen> = {
  type: "onprem:linux:NftSetElements",
  summary: "Addresses in a set of nftables that is there already.",
  fields,
  identity: ["table", "set", "name"],
  check: byFields<NftSetElementsWant>(fields),
  named(id) {
    const [table = "", set = "", name = "", ...more] = id.split(",");
    const fits = [fields.table.safeParse(table), fields.set.safeParse(set), fields.name.safeParse(name)];
    return more.length === 0 && fits.every(({ success }) => success) ? { table, set, name } : undefined;
  },

  async observe(host, { table = "", set = "", name = "", elements }) {
    const [[file], [dropIn], listed] = await Promise.all([
      host.inspect(fileOf(table, set, name), { content: 64 * 1024 }),
      host.inspect(dropInPath, { content: 64 * 1024 }),
      // Exit 1: no such table or set.
      host.look(["nft", "-j", "list", "set", ...table.split(" "), set], { exits: [0, 1] }),
    ]);
    if (file === undefined && elements === undefined) return undefined;
    const ours = parseFile(new TextDecoder().decode(file?.content));
    const live = elementsOf(listed.stdout);
    return {
      table,
      set,
      name,
      elements: ours,
      atBoot: new TextDecoder().decode(dropIn?.content) === dropInText,
      there: listed.code === 0,
      missing: ours.filter((element) => !live.includes(element)),
    };
  },

  plan({ table, set, name, elements }, seen) {
    const steps: Step[] = [];
    if (seen?.atBoot !== true) {
      const file = { path: dropInPath, content: dropInText, owner: "root", group: "root", mode: "0644" };
      const property = "atBoot";
      steps.push(
        run("make the folder of the drop-in", ["mkdir", "-p", "--", "/etc/systemd/system/nftables.service.d"], {
          property,
        }),
        write(`write ${dropInPath}`, { ...file, property }),
        run("let systemd read its units anew", ["systemctl", "daemon-reload"], { property }),
      );
    }
    const path = fileOf(table, set, name);
    const gone = (seen?.elements ?? []).filter((element) => !elements.includes(element));
    const isNew = fileText(table, set, elements) !== fileText(table, set, seen?.elements ?? []);
    if (isNew) {
      const property = "elements";
      const content = fileText(table, set, elements);
      steps.push(
        run(`make the folder of ${path}`, ["mkdir", "-p", "--", folder], { property }),
        write(`write ${path}`, {
          path,
          content,
          owner: "root",
          group: "root",
          mode: "0644",
          validate: ["nft", "-c", "-f", "{}"],
          property,
        }),
      );
    }
    if (isNew || (seen?.missing.length ?? 0) > 0) {
      steps.push(
        run(`add ${elements.join(", ")} to ${set}`, ["nft", "-f", path], { property: isNew ? "elements" : "missing" }),
      );
    }
    return [...steps, ...gone.map((element) => withdraw(table, set, element))];
  },

  remove({ table, set, name, elements, there }) {
    if (elements.length === 0) return [];
    const path = fileOf(table, set, name);
    return [
      run(`remove ${path}`, ["sh", "-euc", removeScript, "sh", path, dropInPath]),
      ...(there ? elements.map((element) => withdraw(table, set, element)) : []),
    ];
  },

  refuse({ table, set }, seen) {
    if (seen?.there !== false) return undefined;
    return {
      why: `there is no set ${set} in the table ${table}`,
      remedy: "It is the master's own firewall that has it; docs/salt-master.md shows one.",
    };
  },
};

/** Files by table, set and owner; each is read by nft(8). */
const folder = "/etc/onprem/nft-elements";
const fileOf = (table: string, set: string, name: string) => `${folder}/${table.replace(" ", "-")}.${set}.${name}.nft`;

const dropInPath = "/etc/systemd/system/nftables.service.d/onprem-elements.conf";
/** One that names a table or set that is gone must not keep the others out. `$$` is systemd's for one `$`. */
const addAll = `for file in ${folder}/*.nft; do [ ! -f "$$file" ] || nft -f "$$file" || true; done`;
const dropInText = `# Managed by Pulumi.
[Service]
ExecStartPost=/bin/sh -c '${addAll}'
ExecReload=/bin/sh -c '${addAll}'
`;

const removeScript = `rm -f -- "$1"
rmdir --ignore-fail-on-non-empty -- "\${1%/*}"
[ ! -d "\${1%/*}" ] || exit 0
rm -f -- "$2"
rmdir --ignore-fail-on-non-empty -- "\${2%/*}"
systemctl daemon-reload`;

/** Takes an element away unless another file has it too. */
function withdraw(table: string, set: string, element: string): Step {
  const [family = "", name = ""] = table.split(" ");
  const words = ["sh", "-euc", withdrawScript, "sh", folder, family, name, set, element];
  return run(`take ${element} from ${set}`, words, { property: "elements" });
}

const withdrawScript = `grep -qsFx -- "add element $2 $3 $4 { $5 }" "$1"/*.nft && exit 0
nft delete element "$2" "$3" "$4" "{ $5 }" 2>/dev/null || ! nft get element "$2" "$3" "$4" "{ $5 }" >/dev/null 2>&1`;

function fileText(table: string, set: string, elements: readonly string[]): string {
  return elements.map((element) => `add element ${table} ${set} { ${element} }\n`).join("");
}

function parseFile(text: string): string[] {
  return [...text.matchAll(/^add element \S+ \S+ \S+ \{ (\S+) \}$/gm)].map(([, element = ""]) => element);
}

/** The addresses of a set from `nft -j list set`; those with a timeout or a comment are objects there. */
export function elementsOf(json: string): string[] {
  const { nftables = [] } = (json.trim() === "" ? {} : JSON.parse(json)) as {
    nftables?: { set?: { elem?: unknown[] } }[];
  };
  const elements = nftables.flatMap(({ set }) => set?.elem ?? []);
  return elements.flatMap((element) => {
    const value =
      typeof element === "object" && element !== null ? (element as { elem?: { val?: unknown } }).elem?.val : element;
    return typeof value === "string" ? [value] : [];
  });
}
