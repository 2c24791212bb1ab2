// Where the engine starts. Plain JavaScript, so that a Node which cannot read TypeScript says so in one sentence.
import * as pulumi from "@pulumi/pulumi";
import { useCompileCache } from "./compile-cache.mjs";

if (Number(process.versions.node.split(".")[0]) < 24) {
  throw new pulumi.RunError(
    `The program needs Node 24, and the first \`node\` on PATH is ${process.versions.node}. Call it by \`npm run pulumi -- ...\`, or say \`eval "$(npm run --silent env)"\` first.`,
  );
}

useCompileCache();

// What a server does not have is no output.
export default Object.fromEntries(
  Object.entries(await import("./index.ts")).filter(([, output]) => output !== undefined),
);
