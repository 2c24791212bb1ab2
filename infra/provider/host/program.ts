import { readFileSync } from "node:fs";
import type { ClientChannel } from "ssh2";
import type { Dialled } from "./dial.ts";
import { ConnectionLost, HostUnusable } from "./errors.ts";
import { commandLine } from "./quote.ts";
import { answerSudo, sudoTalk } from "./sudo.ts";

/** Reads as many bytes of program as its argument says, and becomes it. Free of what any login shell could take amiss. */
const bootstrap =
  'my($n,$c)=(shift,"");while(length($c)<$n){sysread(STDIN,$c,$n-length($c),length($c))or exit(3)}eval($c);die($@)if($@)';

/** The same, which first says that it runs: until then sudo may ask for a password. */
const readyFirst = `syswrite(STDOUT,shift);${bootstrap}`;

/** The program, read when the plugin starts: a missing file shows at once. */
const program = ["base", "children", "paths", "files", "serve"].map((name) =>
  readFileSync(new URL(`./remote/${name}.pl`, import.meta.url)),
);

/** What the program says before its first answer, whatever a login shell printed before. */
export function greeting(nonce: string): Buffer {
  return Buffer.from(`\0onprem-${nonce}\n`);
}

/** As whom the program runs: the account that logs in, or root by `sudo`, which gets the password where it asks for one. */
export interface Become {
  readonly sudo: boolean;
  /** Secret. */
  readonly password?: string | undefined;
}

/**
 * Starts the program. Nothing is installed on the host and nothing stands in a file there: a few words of perl read the
 * rest from their standard input. `listen` gets the channel at once.
 */
export async function startProgram<Result>(
  dialled: Dialled,
  { name, sudo, password, nonce }: Become & { name: string; nonce: string },
  listen: (channel: ClientChannel) => Result,
): Promise<{ result: Result; source: Buffer }> {
  const source = Buffer.concat([Buffer.from(`$main::NONCE = $main::NONCE = "${nonce}";\n`), ...program]);
  const length = String(source.length);
  if (!sudo || password === undefined) {
    const command = commandLine([...(sudo ? ["sudo", "-n", "--"] : []), "perl", "-e", bootstrap, length]);
    return { result: await execute(dialled, name, command, listen), source };
  }
  const talk = sudoTalk(nonce);
  const asking = ["sudo", "-S", "-p", talk.prompt, "--", "perl", "-e", readyFirst, talk.ready, length];
  const { result, running } = await execute(dialled, name, commandLine(asking), (channel) => ({
    result: listen(channel),
    running: answerSudo(channel, talk, password),
  }));
  await running;
  return { result, source };
}

/**
 * Whether the account can run anything at all: when `sudo` fails, it tells sudo's refusal from that of the login itself. What has not
 * answered after ten seconds cannot.
 */
export function runsCommands(dialled: Dialled, name: string): Promise<boolean> {
  const ended = Promise.withResolvers<boolean>();
  execute(dialled, name, "true", (channel) => {
    channel.on("exit", (code: number | null) => ended.resolve(code === 0)).on("close", () => ended.resolve(false));
    channel.resume();
  }).catch(() => ended.resolve(false));
  const late = setTimeout(() => ended.resolve(false), 10_000);
  return ended.promise.finally(() => clearTimeout(late));
}

/** Starts a command. `listen` gets the channel at once: what a command that ends at once says must find somebody. */
function execute<Result>(
  dialled: Dialled,
  name: string,
  command: string,
  listen: (channel: ClientChannel) => Result,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const refused = (error: Error) =>
      reject(new ConnectionLost({ what: `logged in to ${name}, but could not start a command`, why: error.message }));
    dialled.client.once("close", () => refused(new Error("the connection was closed")));
    try {
      dialled.client.exec(command, (error, channel) => {
        if (error === undefined) resolve(listen(channel));
        else refused(error);
      });
    } catch (error) {
      refused(error as Error);
    }
  });
}

/** The connection broke before the program greeted. */
export function lostAtStart(name: string): ConnectionLost {
  return new ConnectionLost({ what: `lost the connection to ${name}`, why: "it was closed right after the login" });
}

/** Nothing can be run on the host. */
export function unusable(name: string, why: string): HostUnusable {
  return new HostUnusable({
    what: `logged in to ${name}, but could not start a program there`,
    why,
    remedy:
      "The account needs an ordinary shell, no forced command, a password that has not expired (`chage -l` shows it), and perl (package perl-base) on the host.",
  });
}
