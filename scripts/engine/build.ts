import { join } from "node:path";
import { finish, lastWords, type Words } from "../command.ts";
import { ScriptError } from "../script-error.ts";
import { type BuildState, describeBuild, readBuildLine } from "./build-progress.ts";
import type { Go } from "./go.ts";
import type { Getting } from "./vendor-installer.ts";
import { engineVersion, languageHostVersion } from "./versions.ts";

/** One program that is built from a tools module of ours, whose go.sum pins every byte that goes into it. */
interface Part {
  readonly program: string;
  /** Folder below modules/. */
  readonly module: string;
  readonly package: string;
  readonly version: string;
}

const parts: readonly Part[] = [
  {
    program: "pulumi-language-nodejs",
    module: "language-host",
    package: "github.com/pulumi/pulumi/sdk/v3/nodejs/cmd/pulumi-language-nodejs",
    version: languageHostVersion,
  },
  { program: "pulumi", module: "cli", package: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi", version: engineVersion },
];

/** What the program says to `pulumi version`. */
const versionVariable = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version";

/** The command that builds one part into `folder`. */
export function buildWords(go: string, part: Part, folder: string): Words {
  const ldflags = `-s -w -X ${versionVariable}=v${part.version}`;
  return [
    go,
    "build",
    "-mod=readonly",
    "-trimpath",
    "-buildvcs=false",
    "-v",
    "-ldflags",
    ldflags,
    "-o",
    join(folder, part.program),
    part.package,
  ];
}

/** Build the engine and the Node language host into `folder`, with progress. */
export async function buildEngine(folder: string, go: Go, getting: Getting): Promise<void> {
  const { reporter, signal } = getting;
  // No C compiler is needed, and a workspace file further up changes nothing.
  const env = { ...getting.env, CGO_ENABLED: "0", GOWORK: "off", GO111MODULE: "on" };
  const started = Date.now();
  let state: BuildState = { modules: 0, packages: 0, compiled: 0 };
  const show = () => reporter.passing(describeBuild(state, (Date.now() - started) / 1000));
  const ticking = setInterval(show, 2000);
  const run = async (part: Part, words: Words) => {
    const ran = await finish(words, {
      cwd: join(import.meta.dirname, "modules", part.module),
      env,
      signal,
      onLine: (line, stream) => {
        if (stream === "stderr") state = readBuildLine(state, line);
      },
    });
    if (ran.code === 0) return ran.stdout;
    throw new ScriptError(
      `${part.program} ${part.version} could not be built`,
      `${words.slice(0, 2).join(" ")}: ${lastWords(ran)}`,
      "when it is the network or a full disk, put that right and run the same command again; or install Pulumi yourself and put it on PATH",
    );
  };
  try {
    let packages = 0;
    for (const part of parts) {
      const listed = await run(part, [go.program, "list", "-mod=readonly", "-deps", part.package]);
      packages += listed.trim().split("\n").length;
    }
    state = { ...state, packages };
    for (const part of parts) await run(part, buildWords(go.program, part, folder));
  } finally {
    clearInterval(ticking);
    reporter.clear();
  }
}
