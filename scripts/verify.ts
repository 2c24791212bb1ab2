import { readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";
import { ScriptError, UsageError } from "./script-error.ts";
import { verifyDns } from "./verify/dns.ts";
import { verifyNetwork } from "./verify/network.ts";
import type { StackFile } from "./verify/stack-file.ts";

const usage = `Usage: npm run verify -- network STACK [options]
       npm run verify -- dns STACK [options]

Tries what the documents (npm run documents) promise and ask for. Changes nothing.

network: the connections of the firewall request, from this machine and from the server: open, closed or filtered. What this machine must not
reach is tried too; what cannot be tried is named, with the reason. A port that refuses is "unsure" where that can be a firewall that rejects
as well as a server that has nothing there yet. Logs in on the server with its key file or agent.

dns: the customer's two records, at every name server of their zone, at resolvers outside (dns.resolvers), and from the server itself where it
can be logged in to; with what is wrong and what to do about it. Needs the customer and the names alone: no server need be there.

  --json              one JSON object on standard output, or with --watch one a line
  --config-file FILE  another file than Pulumi.STACK.yaml
  --watch             dns: ask again until every record is right, and tell what changes
  --every SECONDS     how long to wait in between, 1 to 3600 (default: 30)

Exit code 0: nothing is wrong; the last line says what is unsure. 1: something is not as requested. 2: the words are wrong. 3: network: the
server could not be asked; what this machine sees is told.
`;

const subjects = ["network", "dns"] as const;

await runMain(usage, async (surroundings) => {
  const { values, positionals } = parseArgs({
    args: [...surroundings.args],
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      "config-file": { type: "string" },
      watch: { type: "boolean", default: false },
      every: { type: "string", default: "30" },
    },
  });
  const [what, given, ...more] = positionals;
  const subject = subjects.find((one) => one === what);
  if (subject === undefined) {
    throw new UsageError(`say what to verify: ${subjects.join(" or ")}${what === undefined ? "" : `, not "${what}"`}`);
  }
  const stack = given?.split("/").at(-1);
  if (stack === undefined || more.length > 0) throw new UsageError("name one stack");
  if (values.watch && subject !== "dns") throw new UsageError("--watch goes with dns");
  const every = Number(values.every);
  if (!Number.isInteger(every) || every < 1 || every > 3600) throw new UsageError("--every takes 1 to 3600 seconds");
  const file = await readStackFile(stack, values["config-file"] ?? join(projectFolder, `Pulumi.${stack}.yaml`));
  const { json, watch } = values;
  return subject === "network"
    ? verifyNetwork(file, { json }, surroundings)
    : verifyDns(file, { json, watch, every }, surroundings);
});

async function readStackFile(stack: string, path: string): Promise<StackFile> {
  const text = await readFile(resolve(path), "utf8").catch((cause) => {
    throw new ScriptError(`the stack ${stack} could not be read`, (cause as Error).message, undefined, cause);
  });
  return { stack, text, name: basename(path) };
}
