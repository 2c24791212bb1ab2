import { runMain } from "./main.ts";
import { ScriptError } from "./script-error.ts";
import { removeLeftLabs } from "./test-labs.ts";
import { runVitest } from "./vitest.ts";

// `npm test`: unit tests, then end-to-end tests on a lab of its own. `npm run test:unit`: the former alone. Words after `--` go to vitest.
await runMain(async ({ args, reporter, signal }) => {
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
