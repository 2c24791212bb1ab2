import { z } from "zod";
import { accountName } from "../provider/fields.ts";
import { host } from "./addresses.ts";
import { hostKeyLine } from "./ssh-key.ts";

/** What proves who logs in: a key, in one of three ways. */
export const keyFields = {
  privateKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Path of its private key. Without this, `privateKey` and `agent` the SSH agent at `$SSH_AUTH_SOCK` is asked.",
    ),
  privateKey: z.string().min(1).optional().describe("Its private key's text, for CI.").meta({ secret: true }),
  passphrase: z
    .string()
    .min(1)
    .optional()
    .describe("Opens its private key where that is encrypted.")
    .meta({ secret: true }),
  agent: z
    .string()
    .min(1)
    .optional()
    .describe("Path of an SSH agent's socket, where it is not the one at `$SSH_AUTH_SOCK`."),
};

/** Where a host is and as whom it is logged in to. */
export const endpointFields = {
  host: host.describe("Name or IP address to connect to, as seen from where `pulumi up` runs."),
  port: z.int().min(1).max(65535).default(22).describe("TCP port of its SSH server, 1 to 65535."),
  user: accountName
    .default("root")
    .describe("Account to log in as; any other than root needs `sudo` without a password."),
  hostKey: z
    .union([hostKeyLine, z.array(hostKeyLine).min(1)])
    .transform((lines) => [lines].flat().join("\n"))
    .describe("Its public host key, one line or a list of lines."),
};

/** A host of the vendor's that a stack logs in to beside its own server. */
export const login = z.strictObject({ ...endpointFields, ...keyFields });

/** How a key is shown, filled in. */
export interface KeyWay {
  privateKeyFile?: string;
  privateKey?: string;
  passphrase?: string;
  /** Path of a socket, or `$SSH_AUTH_SOCK` for the agent of who runs the update. */
  agent?: string;
}

/** How one host is logged in to: one way, filled in. */
export interface Login extends KeyWay {
  host: string;
  port: number;
  user: string;
  /** Pinned keys, one a line. */
  hostKey: string;
}

/** Ways to log in with a key. */
const ways = ["privateKeyFile", "privateKey", "agent"] as const;

/** A login with one way to show a key: its own, else that of another, else the caller's agent. */
export function withWay<Given extends KeyWay>(given: Given, other: KeyWay = { agent: "$SSH_AUTH_SOCK" }): Given {
  if (ways.some((way) => given[way] !== undefined)) return given;
  const { privateKeyFile, privateKey, passphrase, agent } = other;
  const shared = Object.entries({ privateKeyFile, privateKey, passphrase, agent });
  return { ...given, ...Object.fromEntries(shared.filter(([, value]) => value !== undefined)) };
}

/** More ways to log in than one, which would leave open which counts. The first contact has one more. */
export function superfluousWays(login: Readonly<Record<string, unknown>>, more: readonly string[] = []): string[] {
  const given = [...ways, ...more].filter((way) => login[way] !== undefined);
  return given.length > 1 ? given : [];
}
