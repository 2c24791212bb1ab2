import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Language, languages } from "../infra/documents/document.ts";
import { readStacks } from "./documents/read-stacks.ts";
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
