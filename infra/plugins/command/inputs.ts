import { z } from "zod";

/**
 * The inputs of `@pulumi/command` 1.2.1: names, types and defaults are those of its schema. What the stand-in does not do is
 * refused by name.
 */

/** An input that only the official plugin has. `instead` says what to do without it. */
function officialOnly(instead: string) {
  return z
    .undefined({
      error: `the official plugin of @pulumi/command has this, the project's stand-in for it has not: ${instead}`,
    })
    .optional();
}

/** Where to log in. The account runs the command itself: no `sudo` comes in between. */
const login = {
  host: z.string().min(1),
  port: z.number().int().min(1).max(65535).default(22),
  user: z.string().min(1).default("root"),
  password: officialOnly("log in with privateKey or agentSocketPath"),
  privateKey: z.string().optional(),
  privateKeyPassword: z.string().optional(),
  /** Path of an SSH agent's socket. @default the environment variable SSH_AUTH_SOCK */
  agentSocketPath: z.string().optional(),
  /** How often a failed attempt is followed by another; -1 is for ever. With `perDialTimeout` it bounds how long we try. */
  dialErrorLimit: z.number().int().min(-1).default(10),
  /** Seconds for each attempt; 0 leaves it to the stand-in. */
  perDialTimeout: z.number().int().min(0).default(15),
  hostKey: z.string({
    error:
      "is required: the official plugin trusts any host where none is given, the project's stand-in for it trusts none",
  }),
};

const connection = z.strictObject({ ...login, proxy: z.strictObject(login).optional() });

/** How to reach a host. */
export type Connection = z.output<typeof connection>;

/** How to reach a proxy. */
export type Login = Omit<Connection, "proxy">;

const triggers = z.array(z.unknown()).optional();

/** What `remote.Command` and `local.Command` have in common. */
const command = {
  create: z.string().optional(),
  update: z.string().optional(),
  delete: z.string().optional(),
  stdin: z.string().optional(),
  environment: z.record(z.string().regex(/^[^=\0]+$/, "must be a name of a variable"), z.string()).optional(),
  logging: z.enum(["stdout", "stderr", "stdoutAndStderr", "none"]).optional(),
  /** Whether an update and a deletion find the last run's output in their environment. @default true */
  addPreviousOutputInEnv: z.boolean().optional(),
  triggers,
};

export const remoteCommandFields = { connection, ...command };

export const localCommandFields = {
  ...command,
  interpreter: z.array(z.string()).optional(),
  dir: z.string().optional(),
  assetPaths: officialOnly("read the files in the program, after the command"),
  archivePaths: officialOnly("read the files in the program, after the command"),
};

export const copyToRemoteFields = { connection, source: z.unknown(), remotePath: z.string().min(1), triggers };

/** The inputs that both kinds of commands have. */
export interface CommandInputs {
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly stdin?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly logging?: "stdout" | "stderr" | "stdoutAndStderr" | "none";
  readonly addPreviousOutputInEnv?: boolean;
}

export interface RemoteCommandInputs extends CommandInputs {
  readonly connection: Connection;
}

export interface LocalCommandInputs extends CommandInputs {
  readonly interpreter?: readonly string[];
  readonly dir?: string;
}
