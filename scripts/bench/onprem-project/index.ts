import { readFileSync } from "node:fs";
import { Provider, type ProviderArgs } from "../../../infra/provider/resources/provider.ts";
import type { Baseline } from "../baseline.ts";
import type { WantedFile } from "../work.ts";

/** What the benchmark wants, written by it before each run. */
export interface Program {
  readonly servers: readonly (ProviderArgs & { readonly label: string })[];
  readonly folder: string;
  /** Each file a resource, or all of them one tree. */
  readonly as: "files" | "tree" | "baseline";
  readonly files: readonly WantedFile[];
  readonly baseline: Baseline;
}

const program = JSON.parse(readFileSync(process.env.BENCH_PROGRAM ?? "", "utf8")) as Program;
const providers = program.servers.map((server) => ({
  name: server.label,
  provider: new Provider(server.label, server),
}));

if (program.as === "files") {
  const { declareFiles } = await import("./files.ts");
  for (const { name, provider } of providers) declareFiles(name, program, provider);
} else if (program.as === "tree") {
  const { declareTree } = await import("./tree.ts");
  for (const { name, provider } of providers) declareTree(name, program, provider);
} else {
  const { declareBaseline } = await import("./baseline.ts");
  for (const { name, provider } of providers) declareBaseline(name, program.baseline, provider);
}
