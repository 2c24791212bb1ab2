import { z } from "zod";
import { byFields } from "./fields.ts";
import type { ConnectionSettings } from "./host/settings.ts";
import { passwordVariable } from "./initial-password.ts";
import type { Connector } from "./onprem.ts";
import type { Problems } from "./problems.ts";
import { addressRange } from "./ranges.ts";

const port = z.coerce.number().int().min(1).max(65535);
const seconds = z.coerce.number().int().min(1).max(3600);

const key = {
  privateKeyFile: z.string().optional(),
  privateKey: z.string().optional(),
  passphrase: z.string().optional(),
  agent: z.string().optional(),
};

/** How to reach one server and as whom. The engine hands a provider's configuration over as text, hence the coercions. */
const endpoint = {
  host: z.string().min(1),
  port: port.default(22),
  user: z.string().min(1).default("root"),
  hostKey: z.string().min(1),
  ...key,
};

/**
 * The provider's configuration: an endpoint, the jump host before it, how long a booting server is waited for, and the
 * logins that are tried where the server refuses the endpoint's own.
 */
export const connectionFields = {
  ...endpoint,
  /** What messages call the server; not `name`, which the engine takes for the plugin's name. */
  label: z.string().min(1).optional(),
  dialTimeout: seconds.optional(),
  jump: asText(z.strictObject(endpoint)),
  initial: asText(z.strictObject({ user: z.string().min(1), ...key, password: z.literal(true).optional() })),
  previous: asText(z.strictObject(key)),
  vpn: asText(
    z.strictObject({ name: z.string().min(1), ranges: z.array(addressRange).min(1), dialIn: z.boolean().optional() }),
  ),
  /** Whether the rest of a run goes on without this host. */
  aside: z.preprocess((given) => (typeof given === "string" ? parsed(given) : given), z.boolean().optional()),
  // Every provider may carry these two of the engine's own.
  version: z.string().optional(),
  pluginDownloadURL: z.string().optional(),
};

/** Connects a provider instance to its server over SSH. */
export const connector: Connector = {
  check: byFields(connectionFields, requireLogin),
  async connect(config, say, signal) {
    // Loaded only here: the engine starts a second process for each server, to check its configuration alone.
    const { connect } = await import("./host/ssh-host.ts");
    return connect(connectionSettings(z.object(connectionFields).parse(config)), { say, signal });
  },
};

/** What our SSH takes, from the provider's configuration and the environment of the run. */
function connectionSettings(config: z.output<z.ZodObject<typeof connectionFields>>): ConnectionSettings {
  const { version: _, pluginDownloadURL: __, aside: ___, label, jump, initial, previous, vpn, ...own } = config;
  const reached = vpn === undefined ? {} : { vpn: vpn as NonNullable<ConnectionSettings["vpn"]> };
  return {
    ...withAgent(own),
    ...reached,
    ...(label === undefined ? {} : { name: label }),
    ...(jump === undefined ? {} : { jump: { ...withAgent(jump), ...(vpn?.dialIn === false ? {} : reached) } }),
    ...(previous === undefined ? {} : { previous: withAgent(previous) }),
    ...(initial === undefined ? {} : { initial: withPassword(withAgent(initial)) }),
  } as ConnectionSettings;
}

/** The password is nobody's to keep: it is there for as long as the run's environment is. */
function withPassword({ password, ...login }: { password?: true | undefined }) {
  const text = process.env[passwordVariable]?.replace(/\r?\n$/, "");
  return { ...login, password: { from: passwordVariable, logsIn: password === true, ...(text ? { text } : {}) } };
}

/**
 * `$SSH_AUTH_SOCK` stands for the agent of who runs the update, whose path changes with each log-in and so would be a
 * difference in every run.
 */
function withAgent<Login extends { agent?: string | undefined }>({ agent, ...login }: Login) {
  const path = agent === "$SSH_AUTH_SOCK" ? process.env.SSH_AUTH_SOCK : agent;
  return { ...login, ...(path === undefined ? {} : { agent: path }) };
}

function requireLogin(config: Record<string, unknown>, problems: Problems): void {
  const ways = ["privateKeyFile", "privateKey", "agent"];
  if (ways.some((way) => config[way] !== undefined || problems.isUnknown(way))) return;
  problems.add("privateKeyFile", `one of ${ways.join(", ")} is required: an SSH key is the only way to log in`);
}

/** A login within a provider's configuration, which the engine hands over as text. */
function asText<Login extends z.ZodType>(login: Login) {
  return z.preprocess((given) => (typeof given === "string" ? parsed(given) : given), login.optional());
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
