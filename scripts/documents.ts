import { mkdir, readFile } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Language, languages } from "../infra/documents/document.ts";
import { stackNames, stackSettings } from "./documents/stack-settings.ts";
import { type DocumentName, documents, type Form, forms, written } from "./documents/written.ts";
import { projectFolder } from "./engine/environment.ts";
import { runMain } from "./main.ts";
import { ScriptError, UsageError } from "./script-error.ts";
import { filesOf } from "./stack-files.ts";
import { writeWhole } from "./write-whole.ts";

const usage = `Usage: npm run documents [-- STACK...] [options]

Writes what a customer receives, from the same settings that configure the servers: the firewall request for the network department and the
DNS instructions, each one for all stacks that are named (default: every stack that has a file). Connects to nothing and needs no passphrase.

  --only firewall|dns  one of the two; dns needs the customer and the names alone, and so no server that is there already
  --out FOLDER         where to (default: documents)
  --language da|en     one language (default: both)
  --form FORM          one form (default: all): md (Markdown), html (a page to print), eml (a mail to send on), csv (a sheet); of the DNS
                       records also zone (lines for a zone file) and ps1 (a script for Microsoft's DNS server)
  --config-file FILE   the file of the one stack that is named, where it is not Pulumi.STACK.yaml
`;

await runMain(usage, async ({ args, reporter }) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      out: { type: "string", default: join(projectFolder, "documents") },
      language: { type: "string" },
      form: { type: "string" },
      only: { type: "string" },
      "config-file": { type: "string" },
    },
  });
  const chosenLanguages = choice<Language>("language", values.language, languages);
  const chosenForms = choice<Form>("form", values.form, forms);
  const chosen = choice<DocumentName>("only", values.only, documents);
  const files = await filesOf(positionals, values["config-file"]);
  const stacks = {
    // In full first, which tells every mistake of names, too.
    ...(chosen.includes("firewall") && { firewall: await readStacks(files, stackSettings) }),
    ...(chosen.includes("dns") && { dns: await readStacks(files, stackNames) }),
  };
  const folder = resolve(values.out);
  const texts = written(stacks, chosenLanguages, chosenForms);
  try {
    await mkdir(folder, { recursive: true });
    for (const [name, text] of texts) await writeWhole(join(folder, name), text);
  } catch (cause) {
    throw new ScriptError(
      "the documents could not be written",
      (cause as Error).message,
      "name another folder: --out",
      cause,
    );
  }
  for (const name of texts.keys()) reporter.line(`wrote ${join(folder, name)}`);
  return 0;
});

function choice<One extends string>(option: string, given: string | undefined, all: readonly One[]): readonly One[] {
  if (given === undefined) return all;
  const one = all.find((word) => word === given);
  if (one === undefined) throw new UsageError(`--${option} is one of ${all.join(", ")}, not "${given}"`);
  return [one];
}

/** The settings of all of them, which must be one customer's. Every stack's mistakes are told before anything is written. */
async function readStacks<Read extends { readonly customer: { readonly name: string } }>(
  files: ReadonlyMap<string, string>,
  readFrom: (stack: string, text: string, file: string) => Read,
): Promise<Read[]> {
  if (files.size === 0) throw new ScriptError("there is no stack", `${projectFolder} holds no Pulumi.STACK.yaml`);
  const read: Read[] = [];
  const problems: Error[] = [];
  for (const [stack, file] of files) {
    try {
      const text = await readFile(file, "utf8").catch((cause) => {
        throw new ScriptError(`the stack ${stack} could not be read`, (cause as Error).message, undefined, cause);
      });
      read.push(readFrom(stack, text, basename(file)));
    } catch (error) {
      problems.push(error as Error);
    }
  }
  const [first] = problems;
  if (problems.length === 1 && first !== undefined) throw first;
  if (problems.length > 1) throw new ScriptError(problems.map(({ message }) => message).join("\n"));
  const customers = [...new Set(read.map(({ customer }) => customer.name))];
  if (customers.length > 1) {
    throw new ScriptError(
      "the stacks belong to more than one customer",
      customers.join(", "),
      "name the stacks of one: npm run documents -- STACK...",
    );
  }
  return read;
}
