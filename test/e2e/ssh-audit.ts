import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { cacheFolder } from "../../lab/places.ts";
import { ensureRequirements, pythonNeeds } from "../../lab/requirements.ts";
import { finish } from "../../scripts/command.ts";

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
  const { stdout } = await finish([await program(), "--json", "--skip-rate-test", address], { timeout: 60 });
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

async function program(): Promise<string> {
  const folder = join(cacheFolder(), "test", `ssh-audit-${sshAuditVersion}`);
  const found = join(folder, "bin", "ssh-audit");
  if (existsSync(found)) return found;
  await rm(folder, { recursive: true, force: true });
  await ensureRequirements(pythonNeeds, () => undefined);
  const pip = [join(folder, "bin", "pip"), "install", "--quiet", "--disable-pip-version-check", "--no-deps"] as const;
  for (const words of [
    ["/usr/bin/python3", "-m", "venv", folder] as const,
    [...pip, `ssh-audit==${sshAuditVersion}`] as const,
  ]) {
    const ran = await finish(words, { timeout: 120 });
    if (ran.code !== 0) throw new Error(`ssh-audit could not be installed: ${ran.stderr}`);
  }
  return found;
}
