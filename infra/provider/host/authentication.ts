import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import ssh2, { type AnyAuthMethod, type KeyboardInteractiveAuthMethod, type ParsedKey } from "ssh2";
import { LoginRefused } from "./errors.ts";
import { hostKeyOf } from "./host-key.ts";
import { type ConnectionSettings, endpoint, withDefaults } from "./settings.ts";

/** One attempt, where what is tried depends on what the server accepts: `undefined` where nothing fits. */
export type Attempt = AnyAuthMethod | ((accepts: readonly string[]) => AnyAuthMethod | undefined);

/** What we can show a server to prove who we are, in the order in which it is tried. */
export interface Credentials {
  readonly methods: readonly Attempt[];
  /** What each method is, and what could not be used and why, for messages; holds no secret. */
  readonly described: readonly string[];
}

/**
 * Reads the keys before anything is dialled: a missing file is a mistake that no waiting mends. Throws `LoginRefused`
 * where nothing usable is left.
 */
export async function credentials(settings: ConnectionSettings): Promise<Credentials> {
  const { user: username } = withDefaults(settings);
  const methods: Attempt[] = [];
  const described: string[] = [];
  const add = (name: string, text: Buffer | string) => {
    const key = parse(text, settings.passphrase);
    if (typeof key === "string") described.push(`${name}: ${key}`);
    else {
      methods.push({ type: "publickey", username, key });
      described.push(`${name} (${hostKeyOf(key.getPublicSSH()).fingerprint})`);
    }
  };
  if (settings.privateKey !== undefined) add("the private key in the settings", settings.privateKey);
  if (settings.privateKeyFile !== undefined) {
    const path = settings.privateKeyFile.replace(/^~(?=\/)/, homedir());
    try {
      add(`key file ${path}`, await readFile(join(path)));
    } catch (error) {
      described.push(`key file ${path}: ${(error as Error).message}`);
    }
  }
  if (settings.agent !== undefined && settings.agent !== "") {
    methods.push({ type: "agent", username, agent: settings.agent });
    described.push(`the keys of the SSH agent at ${settings.agent}`);
  }
  const { password } = settings;
  if (password?.logsIn) {
    if (password.text === undefined) throw noPassword(settings, password.from);
    // To be told what the server accepts, for a wrong password tried in two ways is two failures. "none" is none.
    methods.push({ type: "none", username }, withPassword(username, password.text));
    described.push(`the password in ${password.from}`);
  }
  if (methods.length === 0) {
    throw new LoginRefused({
      what: `cannot log in to ${endpoint(settings)} as ${username}`,
      why: described.length === 0 ? "there is no key to log in with" : described.join("\n"),
      remedy: "Start an SSH agent and add a key (`ssh-add`), or set privateKeyFile.",
    });
  }
  return { methods, described };
}

function parse(text: Buffer | string, passphrase: string | undefined): ParsedKey | string {
  const parsed = ssh2.utils.parseKey(text, passphrase);
  const key = Array.isArray(parsed) ? parsed[0] : parsed;
  if (key === undefined) return "no key";
  if (key instanceof Error) {
    return /passphrase|decrypt|bad key/i.test(key.message)
      ? "it is encrypted, and the passphrase is missing or wrong"
      : `not a private key (${key.message})`;
  }
  return key.isPrivateKey() ? key : "not a private key but a public one";
}

/** The password in the one way that the server takes it. */
function withPassword(username: string, password: string) {
  return (accepts: readonly string[]): AnyAuthMethod | undefined => {
    if (accepts.includes("password")) return { type: "password", username, password };
    return accepts.includes("keyboard-interactive") ? onceAsked(username, password) : undefined;
  };
}

/** Answers the one question that shows nothing of its answer (RFC 4256, section 3.2); there is no second password to give. */
function onceAsked(username: string, password: string): KeyboardInteractiveAuthMethod {
  let left = [password];
  return {
    type: "keyboard-interactive",
    username,
    prompt(_name, _instructions, _language, prompts, finish) {
      finish(
        prompts.map(({ echo }) => {
          if (echo !== false) return "";
          const [answer = ""] = left;
          left = [];
          return answer;
        }),
      );
    },
  };
}

function noPassword(settings: ConnectionSettings, variable: string): LoginRefused {
  const { user } = withDefaults(settings);
  return new LoginRefused({
    what: `cannot log in to ${endpoint(settings)} as ${user}`,
    why: `there is no password: ${variable} is not set`,
    remedy: `Set ${variable} to the password of ${user}, for this run alone: \`read -rs ${variable}; export ${variable}\`; in CI a secret.`,
  });
}
