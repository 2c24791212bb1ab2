import { runMain } from "./main.ts";
import { ScriptError } from "./script-error.ts";
import { removeLeftLabs } from "./test-labs.ts";
import { runVitest } from "./vitest.ts";

const usage = `Usage: npm test [-- WORDS FOR VITEST]
       npm run test:unit [-- WORDS FOR VITEST]

Unit tests, then end-to-end tests on labs of their own, which need root; test:unit is the former alone. The words are files and options,
for example: npm run test:unit -- test/lab
`;

await runMain(usage, async ({ args, reporter, signal }) => {
  const unitOnly = args.includes("--unit");
  const rest = args.filter((word) => word !== "--unit");
  if (!unitOnly && process.getuid?.() !== 0) {
    throw new ScriptError(
      "the end-to-end tests need root",
      "they bring up a lab with machines, mounts and networks of its own",
      "run `npm test` as root, or the tests that need no lab: npm run test:unit",
    );
  }
  if (unitOnly) return runVitest(["--project", "unit", ...rest], signal);
  try {
    return await runVitest(rest, signal);
  } finally {
    await removeLeftLabs(reporter); // vitest does not tear down what an interrupt finds
  }
});
