import { finish } from "../../scripts/command.ts";
import { pythonTool } from "./python-tool.ts";

/** The version that docs/security.md names. */
export const sshAuditVersion = "3.9.0";

/** What ssh-audit has against an algorithm. */
export interface Complaint {
  readonly level: "fail" | "warn";
  readonly algorithm: string;
  readonly said: string;
}

/** Asks ssh-audit, from PyPI and kept in the cache, what it has against an SSH server. */
export async function sshAudit(address: string): Promise<Complaint[]> {
  const { stdout } = await finish(
    [await pythonTool("ssh-audit", { "ssh-audit": sshAuditVersion }, 120), "--json", "--skip-rate-test", address],
    { timeout: 60 },
  );
  const told = JSON.parse(stdout) as Record<string, unknown>;
  const algorithms = ["kex", "key", "enc", "mac"].flatMap((kind) => told[kind] as Algorithm[]);
  if (algorithms.length === 0) throw new Error(`ssh-audit says nothing of ${address}`);
  return algorithms.flatMap(({ algorithm, notes }) =>
    (["fail", "warn"] as const).flatMap((level) => (notes?.[level] ?? []).map((said) => ({ level, algorithm, said }))),
  );
}

interface Algorithm {
  readonly algorithm: string;
  readonly notes?: { readonly fail?: readonly string[]; readonly warn?: readonly string[] };
}
