import { run } from "../../provider/step.ts";
import type { Action } from "./action.ts";
import { commandAction } from "./command.ts";
import type { Connections } from "./connections.ts";
import { type RemoteCommandInputs, remoteCommandFields } from "./inputs.ts";
import { shell } from "./shell.ts";

/** Seconds that stand for no bound: longer than any command, shorter than what a timer can hold (2^31 ms). */
export const noBound = 7 * 24 * 3600;

/**
 * `command:remote:Command`: a command line for sh, run by the account that logs in, in its home. Unlike with the official
 * plugin the variables of `environment` need no AcceptEnv in the server's sshd_config.
 */
export function remoteCommand(connections: Connections): Action {
  const described = {
    type: "command:remote:Command",
    summary: "A command on a remote host, run once per trigger.",
    fields: remoteCommandFields,
  };
  return commandAction<RemoteCommandInputs>(described, async ({ inputs, text, env, title, occasion }) => {
    const { connection, stdin = "" } = inputs;
    const host = await connections.to(connection, occasion.say);
    const login = { USER: connection.user, LOGNAME: connection.user };
    const command = shell(text, 'cd -- "$HOME" 2>/dev/null\n');
    const output = await host.run(
      run(title, command.argv, {
        stdin,
        env: { ...login, ...env, ...command.env },
        deadline: occasion.timeout > 0 ? occasion.timeout : noBound,
      }),
    );
    return { ...output, where: host.name };
  });
}
