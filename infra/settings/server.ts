import { z } from "zod";
import { accountName } from "../provider/fields.ts";
import { host } from "./addresses.ts";
import { fullHostName } from "./names.ts";
import { type InitialLogin, initial, type OtherLogin, previous } from "./other-logins.ts";
import { hostKeyLine } from "./ssh-key.ts";

const endpoint = {
  host: host.describe("Name or IP address to connect to, as seen from where `pulumi up` runs."),
  port: z.int().min(1).max(65535).default(22).describe("TCP port of its SSH server, 1 to 65535."),
  user: accountName
    .default("root")
    .describe("Account to log in as; any other than root needs `sudo` without a password."),
  hostKey: z
    .union([hostKeyLine, z.array(hostKeyLine).min(1)])
    .transform((lines) => [lines].flat().join("\n"))
    .describe("The server's public host key, one line or a list of lines; `npm run trust -- STACK` records it."),
  privateKeyFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Path of the private key to log in with. One of this, `privateKey` and `agent` is given, or none: then the SSH agent at `$SSH_AUTH_SOCK` is asked, and a jump host is logged in to as the server is.",
    ),
  privateKey: z
    .string()
    .min(1)
    .optional()
    .describe("A private key's text, for machines without a key file, such as CI.")
    .meta({ secret: true }),
  passphrase: z
    .string()
    .min(1)
    .optional()
    .describe("Opens the private key where that is encrypted.")
    .meta({ secret: true }),
  agent: z
    .string()
    .min(1)
    .optional()
    .describe("Path of an SSH agent's socket, where it is not the one at `$SSH_AUTH_SOCK`."),
};

/** How the server is reached, and its name (SRV-1, Q-SRV-14). */
export const server = z.strictObject({
  ...endpoint,
  hostname: fullHostName
    .optional()
    .describe(
      "The server's whole name; by default `os2mo-udvikling`, `os2mo-test` or `os2mo` below the customer's domain.",
    ),
  dialTimeout: z
    .int()
    .min(1)
    .max(3600)
    .default(120)
    .describe("Seconds to keep trying while nothing answers, 1 to 3600: a booting server."),
  jump: z
    .strictObject(endpoint)
    .optional()
    .describe("A host to go through, with a pinned key and an account of its own."),
  initial: initial
    .optional()
    .describe(
      "How to get in before the administrator's account is there: tried only where the server refuses `user`, which is then the administrator's name. From the first run on the administrator logs in.",
    ),
  previous: previous
    .optional()
    .describe(
      "The administrator's key until now, while another takes its place: tried only where the server refuses the new one. The run that changes it proves the new key before the old one goes.",
    ),
});

/** How one host is logged in to: one way, filled in. */
export interface Login {
  host: string;
  port: number;
  user: string;
  /** Pinned keys, one a line. */
  hostKey: string;
  privateKeyFile?: string;
  privateKey?: string;
  passphrase?: string;
  /** Path of a socket, or `$SSH_AUTH_SOCK` for the agent of who runs the update. */
  agent?: string;
}

/** The server, complete. */
export interface ServerSettings extends Login {
  hostname: string;
  dialTimeout: number;
  jump?: Login;
  initial?: InitialLogin;
  previous?: OtherLogin;
}

/** Ways to log in with a key. */
const ways = ["privateKeyFile", "privateKey", "agent"] as const;

/** What is asked for a key where none is named. */
const agentOfCaller = { agent: "$SSH_AUTH_SOCK" };

/** Fills in what is left out: the name, and the way to log in, which a jump host shares unless it has one of its own. */
export function completeServer(read: z.output<typeof server>, defaultName: string): ServerSettings {
  const {
    jump,
    initial,
    previous,
    hostname = defaultName,
    ...own
  } = read as Partial<ServerSettings> & Login & { dialTimeout: number };
  const login = withWay(own, agentOfCaller);
  return {
    ...login,
    hostname,
    ...(jump === undefined ? {} : { jump: withWay(jump, login) }),
    ...(initial === undefined ? {} : { initial: initial.password ? initial : withWay(initial, agentOfCaller) }),
    ...(previous === undefined ? {} : { previous: withWay(previous, agentOfCaller) }),
  };
}

function withWay<Given extends OtherLogin>(given: Given, other: OtherLogin): Given {
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
