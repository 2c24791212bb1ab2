import { parseArgs } from "node:util";
import { type Finished, finish, lastWords } from "./command.ts";
import { ensureEngine } from "./engine/engine.ts";
import { engineEnvironment, projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";
import { type Declaration, readDeclaration } from "./renew/declarations.ts";
import { certificatesIn, isBad, reportLines, rowsOf, type StackResult } from "./renew/report.ts";
import { UsageError } from "./script-error.ts";
import { filesOf } from "./stack-files.ts";
import { ended, notBegun, readEvent } from "./start/engine-events.ts";

const usage = `Usage: npm run renew [-- STACK...] [options]

Renews the certificates that are due, of all stacks that are named (default: every stack whose file has https.acme), and nothing else of
them: what CI runs every night, or twice a day where certificates are short-lived. Logs in to the servers as an update does.

  --json              one JSON object on standard output
  --config-file FILE  the file of the one stack that is named, where it is not Pulumi.STACK.yaml

Exit code 0: every certificate is in time. 1: a run failed, or a certificate has under a third of its life left, is not what the web server
shows, or is not there although the stack's file has https.acme. 2: the words are wrong.
`;

await runMain(usage, async ({ args, env, reporter, signal }) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: { json: { type: "boolean", default: false }, "config-file": { type: "string" } },
  });
  const files = await filesOf(positionals, values["config-file"]);
  const declarations = await Promise.all([...files].map(readDeclaration));
  const chosen = positionals.length > 0 ? declarations : declarations.filter(({ declared }) => declared);
  if (chosen.length === 0) throw new UsageError("no stack's file has https.acme; name one");
  const engine = await ensureEngine({ env, reporter, signal });
  const environment = engineEnvironment(engine, env);
  const pulumi = (...words: string[]) =>
    finish(["pulumi", ...words, "--non-interactive", "-C", projectFolder], { env: environment, signal });
  const results: StackResult[] = [];
  for (const declaration of chosen) {
    const { stack, declared } = declaration;
    reporter.line(`${stack}: looking at its certificates`);
    const outcome = await renew(declaration, pulumi).catch((error: Error) => {
      signal.throwIfAborted();
      return unrenewed(error.message);
    });
    results.push({ stack, declared, ...outcome });
  }
  const now = new Date();
  if (values.json) {
    const stacks = results.map((result) => ({
      stack: result.stack,
      errors: result.errors,
      warnings: result.warnings,
      certificates: rowsOf(result, now),
    }));
    process.stdout.write(`${JSON.stringify({ at: now.toISOString(), stacks }, null, 2)}\n`);
  } else {
    process.stdout.write(`${reportLines(results, now).join("\n")}\n`);
  }
  return results.some((result) => isBad(result, now)) ? 1 : 0;
});

type Pulumi = (...words: string[]) => Promise<Finished>;
type Outcome = Omit<StackResult, "stack" | "declared">;

function unrenewed(error: string): Outcome {
  return { before: [], after: [], errors: [error], warnings: [] };
}

/** One stack: its certificates alone, so that nothing else of the server is changed by night. */
async function renew({ stack, file, problem }: Declaration, pulumi: Pulumi): Promise<Outcome> {
  if (problem !== undefined) return unrenewed(problem);
  const unreadable = (why: string) => `the state of ${stack} could not be read: ${why}`;
  const before = await state(stack, pulumi);
  if (typeof before === "string") return unrenewed(unreadable(before));
  // The first one comes with all that it stands on, which is more than a night's work.
  if (before.length === 0) return { before, after: [], errors: [], warnings: [] };
  const target = "**onprem:acme:AcmeCertificate::**";
  const words = ["--stack", stack, "--config-file", file, "--json", "--yes", "--skip-preview", "--target", target];
  const ran = await pulumi("up", ...words);
  const said = ended(ran.stdout.split("\n").reduce(readEvent, notBegun), ran);
  const after = await state(stack, pulumi);
  const errors = [...said.errors, ...(typeof after === "string" ? [unreadable(after)] : [])];
  return {
    before,
    after: typeof after === "string" ? [] : after,
    errors,
    warnings: said.warnings,
  };
}

async function state(stack: string, pulumi: Pulumi) {
  const ran = await pulumi("stack", "export", "--stack", stack);
  return ran.code === 0 ? certificatesIn(ran.stdout) : lastWords(ran);
}
