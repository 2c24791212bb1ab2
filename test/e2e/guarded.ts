import { afterEach, beforeEach, expect } from "vitest";
import { connect, type SshHost } from "../../infra/provider/host/ssh-host.ts";
import { type Guard, run, type Step, write } from "../../infra/provider/step.ts";
import { connectionTo, machine, within } from "./on-lab.ts";

// What the tests of guarded changes share: a file on the server `test` that a change overwrites, and how to look at it.

/** The file that a change overwrites. */
export const path = "/etc/onprem-guarded";

/** A file that is not there before a change. */
export const bare = "/etc/onprem-not-there";

/** Seconds of the window, unless a test says otherwise. */
export const seconds = 10;

/** Runs a shell script on the server, by its namespaces. */
export const onHost = (script: string) => within(machine("test"), script);

/** What {@link stands} says before any change, and after one that was undone. */
export const untouched = "before games:users 640";

/** Makes the server what the tests expect: the file, and no rules. */
export const prepare = () =>
  onHost(
    `rm -rf ${path} ${bare}; nft flush ruleset; printf before >${path}; chown games:users ${path}; chmod 0640 ${path}`,
  );

/** Undoes a change that still waits, and opens every door again, whatever a test left. */
export const tidy = () =>
  onHost(
    "nft flush ruleset; restore=/var/lib/onprem/guard/current/restore; [ ! -e $restore ] || sh $restore; rm -rf /var/lib/onprem/guard; systemctl start ssh",
  );

/** Logs in as the administrator; `said` collects what the user would be told. */
export const open = (said: string[] = []): Promise<SshHost> =>
  connect({ ...connectionTo(machine("test")), name: "test" }, { say: (_, text) => said.push(text) });

/** Before each test of a file: the server prepared, and a log-in; after it everything is open again. Returns what gives the host. */
export function eachOnHost(): () => SshHost {
  let host: SshHost;
  beforeEach(async () => {
    await prepare();
    host = await open();
  });
  afterEach(async () => {
    await host.close();
    await tidy();
  });
  return () => host;
}

/** The step that overwrites the file. */
export const change = (content = "after") =>
  write(`write ${path}`, { path, content, owner: "root", group: "root", mode: "0644" });

/** A step that loads nftables rules. */
export const rules = (text: string): Step => run("load rules", ["nft", "-f", "-"], { stdin: text });

/** Rules of one chain at a hook. */
export const chain = (hook: string, lines: string, policy = "accept") =>
  `table inet t {\nchain ${hook} {\ntype filter hook ${hook} priority 0; policy ${policy}\n${lines}\n}\n}\n`;

/** For an input chain: drops new connections to sshd and lets everything else be, connections that are open included. */
export const newLogins = "tcp dport 22 tcp flags & (syn|ack) == syn drop";

/** A guard that saves the file and all rules. */
export const guard: Guard = {
  name: "trial",
  files: [path, bare],
  save: { rules: ["nft", "list", "ruleset"] },
  restore: [
    ["nft", "flush", "ruleset"],
    ["nft", "-f", "{rules}"],
  ],
  seconds,
};

/** What the guard may leave on a host: nothing. */
export const traces = () =>
  onHost(
    "find /var/lib/onprem /etc/systemd/system /run/systemd/system -name '*guard*' 2>/dev/null || :; systemctl list-units --all --no-legend 'onprem-guard*'",
  );

/** Units and links of a guard that is still armed; what an undone change saved stays for its maker, for an hour. */
export const armed = () =>
  onHost(
    "find /var/lib/onprem/guard -maxdepth 1 -name current 2>/dev/null || :; find /etc/systemd/system /run/systemd/system -name '*guard*'; systemctl list-units --all --no-legend 'onprem-guard*'",
  );

/** The file's content, owner and mode, all rules, and the file that should not be there. */
export const stands = () =>
  onHost(`cat ${path}; stat -c ' %U:%G %a' ${path}; nft list ruleset; ls ${bare} 2>/dev/null || :`);

/** How a promise fails. */
export async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable("it was to fail"),
    (error) => error,
  );
}

/** How a promise fails, and after how many seconds. */
export async function timed(work: Promise<unknown>): Promise<{ error: Error; after: number }> {
  const began = performance.now();
  const error = await failure(work);
  return { error, after: (performance.now() - began) / 1000 };
}

/** The first line of an error, as a sentence of what was seen. */
export const firstLine = (error: Error) => error.message.split("\n")[0] ?? "";
