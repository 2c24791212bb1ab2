import { z } from "zod";
import { byFields } from "./fields.ts";
import type { ConnectionSettings } from "./host/settings.ts";
import type { Connector } from "./onprem.ts";
import type { Problems } from "./problems.ts";

const port = z.coerce.number().int().min(1).max(65535);
const seconds = z.coerce.number().int().min(1).max(3600);

/** How to reach one server and as whom. The engine hands a provider's configuration over as text, hence the coercions. */
const endpoint = {
  host: z.string().min(1),
  port: port.default(22),
  user: z.string().min(1).default("root"),
  hostKey: z.string().min(1),
  privateKeyFile: z.string().optional(),
  privateKey: z.string().optional(),
  passphrase: z.string().optional(),
  agent: z.string().optional(),
};

/** The provider's configuration: an endpoint, the jump host before it, and how long a booting server is waited for. */
export const connectionFields = {
  ...endpoint,
  /** What messages call the server; not `name`, which the engine takes for the plugin's name. */
  label: z.string().min(1).optional(),
  dialTimeout: seconds.optional(),
  jump: z.preprocess(
    (given) => (typeof given === "string" ? parsed(given) : given),
    z.strictObject(endpoint).optional(),
  ),
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
    const { version: _, pluginDownloadURL: __, label, ...settings } = z.object(connectionFields).parse(config);
    const named = { ...settings, ...(label === undefined ? {} : { name: label }) } as ConnectionSettings;
    const { jump } = named;
    return connect({ ...withAgent(named), ...(jump === undefined ? {} : { jump: withAgent(jump) }) }, { say, signal });
  },
};

/**
 * `$SSH_AUTH_SOCK` stands for the agent of who runs the update, whose path changes with each log-in and so would be a
 * difference in every run.
 */
function withAgent({ agent, ...login }: ConnectionSettings): ConnectionSettings {
  const path = agent === "$SSH_AUTH_SOCK" ? process.env.SSH_AUTH_SOCK : agent;
  return { ...login, ...(path === undefined ? {} : { agent: path }) };
}

function requireLogin(config: Record<string, unknown>, problems: Problems): void {
  const ways = ["privateKeyFile", "privateKey", "agent"];
  if (ways.some((way) => config[way] !== undefined || problems.isUnknown(way))) return;
  problems.add("privateKeyFile", `one of ${ways.join(", ")} is required: an SSH key is the only way to log in`);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
