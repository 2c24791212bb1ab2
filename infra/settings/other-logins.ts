import { z } from "zod";
import { accountName } from "../provider/fields.ts";
import { passwordVariable } from "../provider/initial-password.ts";

const key = {
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

/** How the server is entered before its administrator account is there (ACC-2). */
export const initial = z.strictObject({
  user: accountName.describe(
    `Account that the customer gave: root, or one that may use \`sudo\`. Where sudo asks for a password, that is \`${passwordVariable}\` in the environment of the run.`,
  ),
  ...key,
  password: z
    .custom<true>(
      (given) => given === true,
      `must be true or left out: the password itself stands in the environment variable ${passwordVariable} of the run, and nowhere else`,
    )
    .meta({ type: "boolean" })
    .optional()
    .describe(`Whether it logs in with a password instead of a key: that in \`${passwordVariable}\`.`),
});

/** The administrator's key until now, while another takes its place. */
export const previous = z.strictObject(key);

/** One more login on the same server, its way filled in. */
export interface OtherLogin {
  privateKeyFile?: string;
  privateKey?: string;
  passphrase?: string;
  /** Path of a socket, or `$SSH_AUTH_SOCK` for the agent of who runs the update. */
  agent?: string;
}

/** The first login, its way filled in. */
export interface InitialLogin extends OtherLogin {
  user: string;
  password?: true;
}
