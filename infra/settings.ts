import { z } from "zod";
import { propertyPath } from "./provider/problems.ts";
import { leftFromExample } from "./settings/example.ts";
import { firewall } from "./settings/firewall.ts";
import { type Mistake, mistakesIn, SettingsMistaken } from "./settings/mistakes.ts";
import { fullHostName } from "./settings/names.ts";
import { administrator, customer, journal, time, updates } from "./settings/operation.ts";
import { requirements } from "./settings/requirements.ts";
import { completeServer, type ServerSettings, server, superfluousWays } from "./settings/server.ts";

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
  administrator: administrator.describe("The one administrator account, for the first connection to the vendor."),
  time: time.describe("The server's clock and time zone."),
  updates: updates.describe("Unattended security updates."),
  journal: journal.describe("The system journal, which survives restarts and is bounded."),
};

type Read = { [Key in keyof typeof schemas]: z.output<(typeof schemas)[Key]> };

/** The settings of one stack: complete, checked, defaults filled in. */
export interface Settings extends Omit<Read, "server"> {
  /** The stack's name. */
  readonly stack: string;
  readonly server: ServerSettings;
}

const environmentOfStack: Readonly<Record<string, Environment>> = {
  dev: "development",
  test: "test",
  prod: "production",
};

/** Names of the servers below the customer's domain (Q-SRV-14). */
const defaultName: Readonly<Record<Environment, string>> = {
  development: "os2mo-udvikling",
  test: "os2mo-test",
  production: "os2mo",
};

/**
 * Reads a stack's configuration. Pure.
 *
 * @param config Full key to value, as the engine hands it over: an object is JSON text. Other namespaces are left alone.
 * @param secretKeys Full keys that hold a secret anywhere below them.
 * @throws SettingsMistaken with every mistake, never with a secret's value.
 */
export function readSettings(
  stack: string,
  config: Readonly<Record<string, string>>,
  secretKeys: readonly string[] = [],
): Settings {
  const given = new Map(
    Object.entries(config)
      .filter(([key]) => key.startsWith(`${namespace}:`))
      .map(([key, text]) => [key.slice(namespace.length + 1), text] as const),
  );
  const isSecret = (key: string) => secretKeys.includes(`${namespace}:${key}`);
  const mistakes: Mistake[] = [...given.keys()]
    .filter((key) => !(key in schemas))
    .map((key) => ({
      path: propertyPath([key]),
      reason: `is not a setting; here are: ${Object.keys(schemas).sort().join(", ")}`,
    }));

  const read: Partial<Read> = {};
  for (const [key, schema] of Object.entries(schemas) as [keyof Read, z.ZodType][]) {
    const value = key === "environment" ? environmentValue(stack, given) : parsed(given.get(key));
    const result = schema.safeParse(value);
    if (result.success) Object.assign(read, { [key]: result.data });
    else mistakes.push(...mistakesIn(key, schema, value, result.error.issues, isSecret(key)));
    if (key !== "environment" && !isSecret(key)) mistakes.push(...leftFromExample(value, key));
  }
  mistakes.push(...acrossSettings(read, isSecret));
  if (mistakes.length > 0) throw new SettingsMistaken(stack, namespace, sorted(mistakes));
  const complete = read as Read;
  const defaultName = nameOf(complete.environment, complete.customer.domain);
  return { ...complete, stack, server: completeServer(complete.server, defaultName) };
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

function nameOf(environment: Environment, domain: string): string {
  return `${defaultName[environment]}.${domain}`;
}

function acrossSettings(read: Partial<Read>, isSecret: (key: string) => boolean): Mistake[] {
  const { administrator, customer, environment, firewall, server, time } = read;
  const found: Mistake[] = [];
  const add = (path: string, reason: string) => found.push({ path, reason });

  for (const [path, login] of Object.entries({ server, "server.jump": server?.jump })) {
    for (const key of ["privateKey", "passphrase"] as const) {
      if (login?.[key] !== undefined && !isSecret("server")) {
        add(`${path}.${key}`, `must be a secret: set it with \`pulumi config set --secret --path ${path}.${key}\``);
      }
    }
    const ways = superfluousWays(login ?? {});
    if (ways.length > 0) add(path, `has ${ways.join(" and ")}; give one of them`);
  }
  if (server?.hostname === undefined && customer !== undefined && environment !== undefined) {
    const name = fullHostName.safeParse(nameOf(environment, customer.domain));
    if (!name.success) add("customer.domain", `gives a host name that ${name.error.issues[0]?.message}`);
  }
  if (server?.hostname !== undefined && server.hostname === customer?.domain) {
    add("server.hostname", `must not be the top of the customer's domain (DNS-8); given: "${server.hostname}"`);
  }
  if (administrator?.enabled && administrator.keys.length === 0) {
    add("administrator.keys", "needs at least one public SSH key, or the account could not be used (ACC-2)");
  }
  if (administrator?.enabled === false && administrator.name === server?.user) {
    add("administrator.enabled", `must stay true while server.user is this account: "${administrator.name}"`);
  }
  const asksTime = Object.values(firewall?.egress ?? {}).some(
    ({ protocol, ports }) => protocol === "udp" && ports.includes(123),
  );
  if (time !== undefined && firewall !== undefined && !asksTime) {
    add("firewall.egress", "must let udp 123 out to time.servers, or the clock is never right");
  }
  return found;
}

/** By key in the order of the schemas, then by path. */
function sorted(mistakes: readonly Mistake[]): Mistake[] {
  const order = Object.keys(schemas);
  const rank = ({ path }: Mistake) => {
    const index = order.indexOf(path.split(/[.[]/)[0] ?? "");
    return index < 0 ? order.length : index;
  };
  return [...mistakes].sort((a, b) => rank(a) - rank(b) || (a.path < b.path ? -1 : 1));
}
