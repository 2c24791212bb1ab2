import { finish } from "../../command.ts";
import type { Bench, Installed } from "../peer.ts";

/** The engine is there when the benchmark begins; this asks for its version. */
export async function pulumiVersion(bench: Bench): Promise<Installed> {
  const { stdout } = await finish(["pulumi", "version"], { env: bench.engineEnv });
  return { version: `Pulumi ${stdout.trim().replace(/^v/, "")}` };
}
