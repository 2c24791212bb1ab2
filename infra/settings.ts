import { z } from "zod";
import { propertyPath } from "./provider/problems.ts";
import { type Given, mistakesAcross, mistakesOfNames, type PartlyRead } from "./settings/across.ts";
import { completeDns, type DnsSettings, dns } from "./settings/dns.ts";
import { leftFromExample } from "./settings/example.ts";
import { firewall } from "./settings/firewall.ts";
import { https, type Issuing, namedHttps } from "./settings/https.ts";
import { completeManagement, type ManagementSettings, management } from "./settings/management.ts";
import { type Mistake, mistakesIn, SettingsMistaken } from "./settings/mistakes.ts";
import { defaultServerName } from "./settings/names.ts";
import { mistypedNamespaces } from "./settings/namespaces.ts";
import { administrator, customer, journal, time, updates } from "./settings/operation.ts";
import { isTree, readPartly } from "./settings/partly.ts";
import { requirements } from "./settings/requirements.ts";
import { isSecretThroughout } from "./settings/secrecy.ts";
import { completeServer, type ServerSettings, server } from "./settings/server.ts";
import { completeVpn, type VpnSettings, vpn, withVpn } from "./settings/vpn.ts";

/** The namespace of the settings in a stack's configuration: the project's name. */
export const namespace = "os2mo-on-prem";

/** Which of the customer's three servers a stack is (SRV-1, SRV-2). */
export const environments = ["development", "test", "production"] as const;
export type Environment = (typeof environments)[number];

/** The settings of a stack by top-level key; each is checked on its own, so that no mistake hides another. */
export const schemas = {
  environment: z
    .enum(environments)
    .describe(
      "Which of the customer's servers this stack is; by default `development`, `test` or `production` for the stacks `dev`, `test` and `prod`.",
    ),
  customer: customer.describe("Whose servers these are."),
  server: server.describe("How the server is reached, and its name."),
  requirements: requirements.describe("What the server must have before anything is changed on it."),
  firewall: firewall.describe("Who may talk to whom; everything else is blocked in both directions."),
  dns,
  https,
  vpn,
  management,
  administrator: administrator.describe("The one administrator account, for the first connection to the vendor."),
  time: time.describe("The server's clock and time zone."),
  updates: updates.describe("Unattended security updates."),
  journal: journal.describe("The system journal, which survives restarts and is bounded."),
};

type Read = { [Key in keyof typeof schemas]: z.output<(typeof schemas)[Key]> };

/** The settings of one stack: complete, checked, defaults filled in. */
export interface Settings extends Omit<Read, "server" | "vpn" | "management" | "dns"> {
  /** The stack's name. */
  readonly stack: string;
  readonly server: ServerSettings;
  readonly dns: DnsSettings;
  readonly vpn: VpnSettings;
  readonly management: ManagementSettings;
}

const environmentOfStack: Readonly<Record<string, Environment>> = {
  dev: "development",
  test: "test",
  prod: "production",
};

/**
 * Reads a stack's configuration. Pure.
 *
 * @param config Full key to value, as the engine hands it over: an object is JSON text. Other packages' namespaces are left alone.
 * @param secretKeys Full keys that hold a secret anywhere below them.
 * @param hidden What stands for each secret where nobody has opened them; none is judged.
 * @throws SettingsMistaken with every mistake, never with a secret's value.
 */
export function readSettings(
  stack: string,
  config: Readonly<Record<string, string>>,
  secretKeys: readonly string[] = [],
  hidden?: string,
): Settings {
  const given = givenKeys(config);
  const unknown: Mistake[] = [...given.keys()]
    .filter((key) => !(key in schemas))
    .map((key) => ({
      path: propertyPath([key]),
      reason: `is not a setting; here are: ${Object.keys(schemas).sort().join(", ")}`,
    }));
  const values = Object.fromEntries(Object.keys(schemas).map((key) => [key, givenValue(key, stack, given)]));
  const elsewhere = [...unknown, ...mistypedNamespaces(Object.keys(config), namespace)];
  const reading = { secretKeys, hidden, across: mistakesAcross };
  const complete = readEach(stack, schemas, values, reading, elsewhere) as Read;
  const defaultName = defaultServerName(complete.environment, complete.customer.domain);
  const reached = completeVpn(complete.vpn);
  const own = completeServer(complete.server, defaultName);
  return {
    ...complete,
    stack,
    server: own,
    // Of what is secret as a whole, and was not opened, nothing is known.
    https: complete.https ?? {},
    dns: completeDns(complete.dns, complete.https?.acme?.directory),
    vpn: reached,
    firewall: withVpn(complete.firewall, reached),
    management: completeManagement(complete.management, complete.firewall.saltMaster, own.hostname),
  };
}

/** What documents about names need of a stack: all of it is known before any server exists. */
export type NameSettings = Pick<Settings, "stack" | "environment" | "customer" | "dns"> & {
  readonly server: Pick<ServerSettings, "hostname">;
  readonly https: Issuing;
};

/** Reads what a stack says of names, with the same checks and messages, and leaves alone whatever else it says or lacks. Pure. */
export function readNames(
  stack: string,
  config: Readonly<Record<string, string>>,
  secretKeys: readonly string[] = [],
  hidden?: string,
): NameSettings {
  const given = givenKeys(config);
  const { environment, customer, dns } = schemas;
  const named = {
    environment,
    customer,
    dns,
    https: namedHttps,
    server: z.object({ hostname: server.shape.hostname }),
  };
  const values = Object.fromEntries(Object.keys(named).map((key) => [key, givenValue(key, stack, given)]));
  if (isTree(values.server)) values.server = { hostname: values.server.hostname };
  values.https = issuingIn(values.https);
  const reading = { secretKeys, hidden, across: mistakesOfNames };
  const read = readEach(stack, named, values, reading, []) as Pick<Read, "environment" | "customer" | "dns"> & {
    https: Issuing;
    server: { hostname?: string };
  };
  const hostname = read.server.hostname ?? defaultServerName(read.environment, read.customer.domain);
  return { ...read, stack, server: { hostname }, dns: completeDns(read.dns, read.https.acme?.directory) };
}

/** Who issues, where settings of HTTPS say it in their way. */
function issuingIn(https: unknown): object {
  const acme = isTree(https) ? https.acme : undefined;
  return isTree(acme) ? { acme: { directory: acme.directory, account: acme.account } } : {};
}

function givenKeys(config: Readonly<Record<string, string>>): Map<string, string> {
  return new Map(
    Object.entries(config)
      .filter(([key]) => key.startsWith(`${namespace}:`))
      .map(([key, text]) => [key.slice(namespace.length + 1), text] as const),
  );
}

function givenValue(key: string, stack: string, given: ReadonlyMap<string, string>): unknown {
  return key === "environment" ? environmentValue(stack, given) : parsed(given.get(key));
}

/** How values are read. */
interface Reading {
  readonly secretKeys: readonly string[];
  readonly hidden: string | undefined;
  /** What is wrong between them. */
  readonly across: typeof mistakesAcross;
}

/** Each value by its schema, and what lies between them. @throws SettingsMistaken with every mistake, `more` included. */
function readEach(
  stack: string,
  each: Readonly<Record<string, z.ZodType>>,
  values: Readonly<Record<string, unknown>>,
  { secretKeys, hidden, across }: Reading,
  more: readonly Mistake[],
): Record<string, unknown> {
  const marked = (key: string) => secretKeys.includes(`${namespace}:${key}`);
  const mistakes = [...more];
  const read: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(each)) {
    const value = values[key];
    const issues = schema.safeParse(value).error?.issues.filter(({ path }) => !isHidden(value, path, hidden)) ?? [];
    if (issues.length > 0) mistakes.push(...mistakesIn(key, schema, value, issues, marked(key)));
    if (key !== "environment") mistakes.push(...leftFromExample(value, key, isSecretThroughout(value, marked(key))));
    read[key] = readPartly(schema, value);
  }
  mistakes.push(...across(read as PartlyRead, values as Given, marked));
  if (mistakes.length > 0) throw new SettingsMistaken(stack, namespace, sorted(mistakes));
  return read;
}

/** Whether what stands at a path is a secret that nobody has opened. */
function isHidden(value: unknown, path: readonly PropertyKey[], hidden: string | undefined): boolean {
  if (hidden === undefined) return false;
  return path.reduce<unknown>((at, step) => (at as Record<PropertyKey, unknown> | undefined)?.[step], value) === hidden;
}

/** What to tell the user in every run without stopping it: each requirement that was overridden, openly. */
export function warnings({ requirements: { override, profile } }: Settings): string[] {
  return Object.entries(override).map(
    ([key, value]) =>
      `${namespace}:requirements.override.${key} is ${JSON.stringify(value)} instead of what profile ${profile} asks for.`,
  );
}

function environmentValue(stack: string, given: ReadonlyMap<string, string>): string | undefined {
  // The project declares an empty default, which is none.
  return given.get("environment") || environmentOfStack[stack];
}

/** An object is JSON text; anything else stays the text that it is, and no schema accepts it. */
function parsed(text: string | undefined): unknown {
  if (text === undefined) return {};
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** By key in the order of the schemas, then by path. */
function sorted(mistakes: readonly Mistake[]): Mistake[] {
  const order = Object.keys(schemas);
  const rank = ({ path, namespace }: Mistake) => {
    if (namespace !== undefined) return order.length + 1;
    const index = order.indexOf(path.split(/[.[]/)[0] ?? "");
    return index < 0 ? order.length : index;
  };
  return [...mistakes].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
}
