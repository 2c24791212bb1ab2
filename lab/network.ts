import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { type AddressPlan, segmentNames, vantageNames } from "./address-plan.ts";
import { run, succeeds, type Words } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { identify, signalProcess } from "./process.ts";
import type { Addresses, SegmentName, VantageName } from "./status.ts";

/** Folder in which ip-netns(8) keeps its namespaces. */
const namespaceFolder = "/run/netns";

/** Name of one of a lab's network namespaces. */
export const namespaceName = (lab: string, which: "router" | VantageName) => `onprem-${lab}-${which}`;

/** What `nsenter --net=` takes. */
export const namespacePath = (lab: string, which: "router" | VantageName) =>
  `${namespaceFolder}/${namespaceName(lab, which)}`;

/** The one interface that a lab adds to the machine's own network namespace. */
export const controllerInterface = (lab: string) => `op-${lab}`;

/** Words that run a command in the router's network namespace. */
export const inRouter = (lab: string, words: Words): Words => [
  "nsenter",
  `--net=${namespacePath(lab, "router")}`,
  ...words,
];

const namespaces = ["router", ...vantageNames] as const;

/**
 * The lab's network as input for `ip -batch`, by the namespace that it is for (`""` is the machine's own). Bridges stand in the
 * router's namespace, so that the machine's own has one interface and two routes more, and no rule.
 */
export function networkBatches(lab: string, plan: AddressPlan): { namespace: string; lines: string[] }[] {
  const router = namespaceName(lab, "router");
  const controller = plan.places.controller;
  const toLab = (segment: SegmentName, device: string, [v4, v6]: readonly [string, string]) => [
    `route add ${v4} via ${plan.segments[segment].router.v4} dev ${device}`,
    `route add ${v6} via ${plan.segments[segment].router.v6} dev ${device}`,
  ];
  const address = (segment: SegmentName, addresses: Addresses, device: string) => [
    `addr add ${addresses.v4}/${plan.segments[segment].bits} dev ${device}`,
    // Nobody else is there to have the address: without "nodad" it could not be used for a second.
    `addr add ${addresses.v6}/64 dev ${device} nodad`,
    `link set ${device} up`,
  ];
  return [
    {
      namespace: "",
      lines: [
        ...namespaces.map((which) => `netns add ${namespaceName(lab, which)}`),
        `link add ${controllerInterface(lab)} type veth peer name controller netns ${router}`,
      ],
    },
    {
      namespace: router,
      lines: [
        "link set lo up",
        ...segmentNames.flatMap((name) => [
          `link add ${name} type bridge`,
          ...address(name, plan.segments[name].router, name),
        ]),
        "link set controller master management",
        "link set controller up",
        ...vantageNames.flatMap((name) => [
          `link add to-${name} type veth peer name eth0 netns ${namespaceName(lab, name)}`,
          `link set to-${name} master ${name}`,
          `link set to-${name} up`,
        ]),
      ],
    },
    ...vantageNames.map((name) => ({
      namespace: namespaceName(lab, name),
      lines: [
        "link set lo up",
        ...address(name, plan.places[name], "eth0"),
        ...toLab(name, "eth0", ["default", "default"]),
      ],
    })),
    {
      namespace: "",
      lines: [
        ...address("management", controller, controllerInterface(lab)),
        ...toLab("management", controllerInterface(lab), [plan.ranges.v4, plan.ranges.v6]),
      ],
    },
  ];
}

/** Kernel settings of the router: it forwards, and what crosses a bridge is not the business of anybody's firewall rules. */
const routerSettings = [
  "net.ipv4.ip_forward=1",
  "net.ipv6.conf.all.forwarding=1",
  "net.bridge.bridge-nf-call-iptables=0",
  "net.bridge.bridge-nf-call-ip6tables=0",
  "net.bridge.bridge-nf-call-arptables=0",
] as const;

/** Build the lab's network. Everything of an earlier one must be gone. */
export async function createNetwork(lab: string, plan: AddressPlan): Promise<void> {
  for (const { namespace, lines } of networkBatches(lab, plan)) {
    const into = namespace === "" ? [] : ["-netns", namespace];
    await run(["ip", ...into, "-batch", "-"], { input: `${lines.join("\n")}\n` });
  }
  // The bridge settings exist only where the module br_netfilter is loaded, hence --ignore.
  await run(inRouter(lab, ["sysctl", "--quiet", "--ignore", "--write", ...routerSettings]));
}

/** Whether every namespace and the controller's interface are there. They were made in one go, so the rest is there too. */
export async function networkExists(lab: string): Promise<boolean> {
  const paths = [...namespaces.map((which) => namespacePath(lab, which)), `/sys/class/net/${controllerInterface(lab)}`];
  if (!paths.every((path) => existsSync(path))) return false;
  // The routes come last: without them a run was cut off in the middle.
  const route = await run(["ip", "-6", "route", "show", "dev", controllerInterface(lab)]);
  return route.includes("/60 via ");
}

/** Whether anything of the lab's network is there. */
export async function networkTraces(lab: string): Promise<boolean> {
  const names = (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0]);
  return (
    namespaces.some((which) => names.includes(namespaceName(lab, which))) ||
    (await succeeds(["ip", "link", "show", "dev", controllerInterface(lab)]))
  );
}

/** Remove whatever is there of the lab's network, and end what still runs in its namespaces, for that would keep them alive. */
export async function removeNetwork(lab: string): Promise<void> {
  if (await succeeds(["ip", "link", "show", "dev", controllerInterface(lab)])) {
    await run(["ip", "link", "delete", "dev", controllerInterface(lab)]);
  }
  const names = (await run(["ip", "netns", "list"])).split("\n").map((line) => line.split(" ")[0]);
  for (const name of namespaces.map((which) => namespaceName(lab, which))) {
    if (!names.includes(name)) continue;
    const inside = await run(["ip", "netns", "pids", name]).catch(() => ""); // a name whose namespace was never mounted
    for (const pid of inside.split("\n").filter(Boolean).map(Number)) {
      const who = pid === process.pid ? undefined : await identify(pid);
      if (who) await signalProcess(who, "SIGKILL");
    }
    await run(["ip", "netns", "delete", name]);
  }
}

/** IPv4 subnets in use on this machine, from `ip -json route` and `ip -json address`, as strings that start with an address. */
export async function usedNets(): Promise<string[]> {
  const routes = JSON.parse(await run(["ip", "-json", "-4", "route", "show", "table", "all"])) as { dst?: string }[];
  return routes.map((route) => route.dst ?? "");
}

/** The first plan number whose /24 holds none of the used addresses. The first eight are left to those who choose by hand. */
export function firstFreeIndex(used: readonly string[]): number {
  for (let index = 8; index < 512; index++) {
    const prefix = `198.${18 + (index >> 8)}.${index & 255}.`;
    if (!used.some((net) => net.startsWith(prefix))) return index;
  }
  throw new LabError("no subnet is free for a lab", "all of 198.18.0.0/15 is in use on this machine");
}

/** Whether the machine offers IPv6, without which no lab is built: half of what it shows would be missing. */
export async function requireIpv6(): Promise<void> {
  const disabled = (await readFile("/proc/sys/net/ipv6/conf/default/disable_ipv6", "utf8").catch(() => "1")).trim();
  if (disabled !== "0") {
    throw new LabError(
      "the lab needs IPv6",
      "net.ipv6.conf.default.disable_ipv6 is 1 or the kernel has none",
      "run: sysctl -w net.ipv6.conf.default.disable_ipv6=0",
    );
  }
}
