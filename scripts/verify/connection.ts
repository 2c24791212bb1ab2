import type { ConnectionSettings } from "../../infra/provider/host/settings.ts";
import type { Settings } from "../../infra/settings.ts";
import { ScriptError } from "../script-error.ts";

/** How the stack logs in; without root, which trying needs not. Ten seconds are enough for a server that is up. */
export function connectionOf({ server }: Settings, env: NodeJS.ProcessEnv): ConnectionSettings {
  const { initial: _, previous: __, address: ___, hostname, jump, ...own } = server;
  const login = (given: typeof own | NonNullable<typeof jump>): ConnectionSettings => {
    if (given.privateKey !== undefined) {
      throw new ScriptError(
        "the server cannot be asked",
        `the private key for ${given.host} is a secret of the configuration, which only pulumi opens`,
        "put the key into an agent, and name that in a copy of the file: --config-file",
      );
    }
    const agent = given.agent === "$SSH_AUTH_SOCK" ? env.SSH_AUTH_SOCK : given.agent;
    const { agent: ____, ...rest } = given;
    return { ...rest, ...(agent === undefined ? {} : { agent }) };
  };
  return {
    ...login(own),
    name: hostname,
    privileged: false,
    dialTimeout: 10,
    ...(jump === undefined ? {} : { jump: { ...login(jump), privileged: false } }),
  };
}
