import { z } from "zod";
import { ipAddress } from "../provider/ranges.ts";
import { endpointFields, type KeyWay, keyFields, type Login, withWay } from "./login.ts";
import { fullHostName } from "./names.ts";
import { type InitialLogin, initial, previous } from "./other-logins.ts";

const endpoint = {
  ...endpointFields,
  hostKey: endpointFields.hostKey.describe(
    "The server's public host key, one line or a list of lines; `npm run trust -- STACK` records it.",
  ),
  ...keyFields,
  privateKeyFile: keyFields.privateKeyFile.describe(
    "Path of the private key to log in with. One of this, `privateKey` and `agent` is given, or none: then the SSH agent at `$SSH_AUTH_SOCK` is asked, and a jump host is logged in to as the server is.",
  ),
  privateKey: keyFields.privateKey
    .describe("A private key's text, for machines without a key file, such as CI.")
    .meta({ secret: true }),
  passphrase: keyFields.passphrase.describe("Opens the private key where that is encrypted.").meta({ secret: true }),
};

/** How the server is reached, and its name (SRV-1, Q-SRV-14). */
export const server = z.strictObject({
  ...endpoint,
  hostname: fullHostName
    .optional()
    .describe(
      "The server's whole name; by default `os2mo-udvikling`, `os2mo-test` or `os2mo` below the customer's domain.",
    ),
  address: ipAddress
    .optional()
    .describe(
      "The server's IP address in the customer's own network, for the documents: where `host` is another way to it, such as a name or the end of a tunnel.",
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

/** The server, complete. */
export interface ServerSettings extends Login {
  hostname: string;
  /** In the customer's own network, where `host` is another way to it. */
  address?: string;
  dialTimeout: number;
  jump?: Login;
  initial?: InitialLogin;
  previous?: KeyWay;
}

/** Fills in what is left out: the name, and the way to log in, which a jump host shares unless it has one of its own. */
export function completeServer(read: z.output<typeof server>, defaultName: string): ServerSettings {
  const {
    jump,
    initial,
    previous,
    hostname = defaultName,
    ...own
  } = read as Partial<ServerSettings> & Login & { dialTimeout: number };
  const login = withWay(own);
  return {
    ...login,
    hostname,
    ...(jump === undefined ? {} : { jump: withWay(jump, login) }),
    ...(initial === undefined ? {} : { initial: initial.password ? initial : withWay(initial) }),
    ...(previous === undefined ? {} : { previous: withWay(previous) }),
  };
}
