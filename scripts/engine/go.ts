import { existsSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { finish } from "../command.ts";
import { findExecutable, isExecutable } from "./search-path.ts";
import { compareVersions, goVersion, oldestSwitchingGo } from "./versions.ts";

/** A Go that can build the engine. */
export interface Go {
  readonly program: string;
  /** For example `go1.26.8`. */
  readonly version: string;
}

/** The `go` on PATH, else one in the usual folders, where the one who installed it has not told the shell. */
export function findGo(env: NodeJS.ProcessEnv, usual: readonly string[] = usualFolders()): string | undefined {
  return findExecutable("go", env.PATH) ?? usual.map((folder) => join(folder, "go")).find(isExecutable);
}

/** The usual folders: go.dev's own installation, Debian's and Ubuntu's versioned packages, snap and Homebrew. */
function usualFolders(): string[] {
  const versioned = existsSync("/usr/lib") ? readdirSync("/usr/lib").filter((name) => /^go-\d/.test(name)) : [];
  const newestFirst = versioned.sort((a, b) => compareVersions(b, a));
  return ["/usr/local/go/bin", ...newestFirst.map((name) => `/usr/lib/${name}/bin`), "/snap/bin", "/opt/homebrew/bin"];
}

/** Ask a Go who it is. Answers the Go, or why it cannot build the engine. */
export async function checkGo(program: string, env: NodeJS.ProcessEnv, signal?: AbortSignal): Promise<Go | string> {
  // Outside any module, so that no go.mod makes it another version.
  const asked = await finish([program, "env", "GOVERSION", "GOTOOLCHAIN"], {
    env: { ...env, GOWORK: "off" },
    cwd: dirname(program),
    signal,
  });
  if (asked.code !== 0) return `${program} does not run (exit ${asked.code})`;
  const [version = "", toolchain = ""] = asked.stdout.split("\n");
  return goProblem(version, toolchain) ?? { program, version };
}

/** Why this version of Go cannot build the engine: it is too old and would not, or could not, fetch a newer one by itself. */
export function goProblem(version: string, toolchain: string): string | undefined {
  if (compareVersions(version, goVersion) >= 0) return undefined;
  if (compareVersions(version, oldestSwitchingGo) >= 0 && toolchain !== "local") return undefined;
  return `the Go on this machine is ${version.replace(/^go/, "")}, and ${goVersion} or newer is needed`;
}
