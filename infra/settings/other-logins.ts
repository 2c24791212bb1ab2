import { z } from "zod";
import { accountName } from "../provider/fields.ts";
import { passwordVariable } from "../provider/initial-password.ts";
import { type KeyWay, keyFields } from "./login.ts";

/** How the server is entered before its administrator account is there (ACC-2). */
export const initial = z.strictObject({
  user: accountName.describe(
    `Account that the customer gave: root, or one that may use \`sudo\`. Where sudo asks for a password, that is \`${passwordVariable}\` in the environment of the run.`,
  ),
  ...keyFields,
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
export const previous = z.strictObject(keyFields);

/** The first login, its way filled in. */
export interface InitialLogin extends KeyWay {
  user: string;
  password?: true;
}
