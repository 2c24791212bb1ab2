import { createRequire } from "node:module";
import { serve } from "./adapter.ts";
import { kinds } from "./kinds.ts";
import { Onprem } from "./onprem.ts";

/** The plugin's process: the engine starts it with the address of its own service as the last argument. */
const { version } = createRequire(import.meta.url)("../../package.json") as { version: string };
const engine = process.argv.slice(2).findLast((word) => !word.startsWith("-"));

const connector = async () => (await import("./connector.ts")).connector;

await serve(new Onprem(version, kinds, connector), engine);
// While the engine finds its way to us. What fails here fails again where it is needed, and is told there.
void connector().catch(() => undefined);
