import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline/promises";
import { parseArgs } from "node:util";
import { pinnedKeys } from "../infra/provider/host/host-key.ts";
import { otherHostKeys, readHostKey } from "../infra/provider/host/read-host-key.ts";
import { type ConnectionSettings, endpoint } from "../infra/provider/host/settings.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain, type Surroundings } from "./main.ts";
import { ScriptError, UsageError } from "./script-error.ts";
import { decide, describeKey, type Said } from "./trust/decision.ts";
import { comparison } from "./trust/fingerprints.ts";
import { hosts, readTargets, recordHostKey, type Targets, type Whose } from "./trust/stack-file.ts";
import { writeWhole } from "./write-whole.ts";

const usage = `Usage: npm run trust -- STACK [options]

Shows the host key of a stack's server in every form that its console may show it and, once you agree, records it in
Pulumi.STACK.yaml; and in the same way those of the jump host, the VPN's hub and the Salt master that the file names with
a login. Logs in nowhere, but on a jump host.

  --only HOST               this one alone: jump, server, hub or master
  --fingerprint SHA256:...  trust this key and no other, without asking; more than once where there are more hosts
  --yes                     trust what is shown, without asking
  --replace                 a key that is recorded may be replaced
  --config-file FILE        another file than Pulumi.STACK.yaml
`;

const names: Record<Whose, string> = { jump: "jump host", server: "server", hub: "hub", master: "master" };

await runMain(usage, async (surroundings) => {
  const { file, said, only } = readArguments(surroundings.args);
  if (!existsSync(file)) {
    throw new ScriptError(
      `there is no ${file}`,
      "a stack's server is named there",
      "make the stack first: npm run pulumi -- stack init STACK",
    );
  }
  const targets = readTargets(await readFile(file, "utf8"), file);
  const named = hosts.filter((whose) => targetOf(targets, whose) !== undefined);
  if (only !== undefined && !named.includes(only)) {
    throw new ScriptError(`${file} names no ${only}`, `it names: ${named.join(", ")}`);
  }
  for (const whose of only === undefined ? named : [only]) await trust(whose, file, said, surroundings);
  return 0;
});

function readArguments(args: readonly string[]) {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      fingerprint: { type: "string", multiple: true, default: [] },
      yes: { type: "boolean", short: "y", default: false },
      replace: { type: "boolean", default: false },
      only: { type: "string" },
      "config-file": { type: "string" },
    },
  });
  const stack = positionals[0]?.split("/").at(-1);
  if (stack === undefined || positionals.length > 1) throw new UsageError("name one stack");
  const only = hosts.find((whose) => whose === values.only);
  if (only === undefined && values.only !== undefined) throw new UsageError(`--only takes ${hosts.join(", ")}`);
  const said: Said = { fingerprints: values.fingerprint, yes: values.yes, replace: values.replace };
  return { file: values["config-file"] ?? join(projectFolder, `Pulumi.${stack}.yaml`), said, only };
}

function targetOf(targets: Targets, whose: Whose) {
  return whose === "server" ? targets : targets[whose];
}

/** Read one host's key, decide with the user, and record it. */
async function trust(whose: Whose, file: string, said: Said, { reporter, signal, env }: Surroundings): Promise<void> {
  const targets = readTargets(await readFile(file, "utf8"), file);
  const { host, port = 22, hostKey } = targetOf(targets, whose) ?? targets;
  const lines = [hostKey ?? []].flat().join("\n");
  const name = `${names[whose]} ${endpoint({ host, port })}`;
  const jump = whose === "server" && targets.jump ? { jump: jumpSettings(targets.jump, file, env) } : {};
  const say = (_: string, message: string) => reporter.line(message);
  const seen = await readHostKey({ host, port, ...jump }, say);
  const pinned = lines.trim() === "" ? [] : pinnedKeys({ host, port, hostKey: lines });
  reporter.line(`${name} shows ${describeKey(seen)}`);
  const decision = decide(seen, pinned, said);
  if (decision.kind === "recorded already") return reporter.line("that key is recorded already; nothing to do");
  if (said.fingerprints.length === 0) {
    const others = await otherHostKeys({ host, port, ...jump }, seen, say);
    for (const line of comparison([seen, ...others])) reporter.line(line);
  }
  if (decision.kind === "refuse")
    throw new ScriptError(`the ${name} is not trusted`, decision.why.replaceAll("\n", "\n  "), decision.remedy);
  if (decision.kind === "ask" && !(await agrees(signal))) {
    throw new ScriptError(`the ${name} is not trusted`, "nothing was recorded");
  }
  const current = await readFile(file, "utf8");
  await writeWhole(file, recordHostKey(current, file, whose, seen.line));
  reporter.line(`recorded in ${file}`);
}

function jumpSettings(jump: NonNullable<Targets["jump"]>, file: string, env: NodeJS.ProcessEnv): ConnectionSettings {
  if (jump.privateKey !== undefined || jump.passphrase !== undefined) {
    throw new ScriptError(
      "the key of the jump host is a secret of the stack, which only pulumi can read",
      `${file} has it encrypted`,
      "for this once, have the key in an SSH agent or a file, and name that instead; or write the server's hostKey by hand",
    );
  }
  const agent = jump.agent ?? (jump.privateKeyFile === undefined ? env.SSH_AUTH_SOCK : undefined);
  return {
    host: jump.host,
    hostKey: [jump.hostKey ?? []].flat().join("\n"),
    dialTimeout: 10,
    ...(jump.port !== undefined && { port: jump.port }),
    ...(jump.user !== undefined && { user: jump.user }),
    ...(jump.privateKeyFile !== undefined && { privateKeyFile: jump.privateKeyFile }),
    ...(agent !== undefined && { agent }),
  };
}

async function agrees(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY) {
    throw new ScriptError(
      "nobody is there to compare the fingerprint",
      "standard input is no terminal",
      "give the fingerprint that you know: --fingerprint SHA256:..., or --yes to trust what is shown",
    );
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await terminal.question("Does its console show the same? yes/no: ", { signal });
    return answer.trim().toLowerCase() === "yes";
  } finally {
    terminal.close();
  }
}
