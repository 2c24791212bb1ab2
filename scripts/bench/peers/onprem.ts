import { join } from "node:path";
import type { Program } from "../onprem-project/index.ts";
import type { Bench, Peer } from "../peer.ts";
import { filesFolder, type Variant, type Work, wantedFiles } from "../work.ts";
import { PulumiProject } from "./pulumi-project.ts";
import { pulumiVersion } from "./pulumi-version.ts";

/** Where the program of this project's peers is. */
export const onpremFolder = join(import.meta.dirname, "..", "onprem-project");
const howCalled =
  "`pulumi up --skip-preview`, one stack with a provider for each host, `refresh: always`, state in a folder, the stack made beforehand";

/** This project, each file a resource. */
export const onpremFile = onprem(
  "onprem-file",
  "onprem, single resources",
  "files",
  `${howCalled}; each file a \`File\`.`,
);

/** This project, the files of a host one resource. */
export const onpremTree = onprem(
  "onprem-tree",
  "onprem, one tree",
  "tree",
  `${howCalled}; one \`FileTree\` for each host.`,
);

/** What a program of the benchmark wants on some servers. */
export function programFor(bench: Bench, work: Work, variant: Variant, as: "files" | "tree"): Program {
  return {
    servers: bench.hosts.servers.map(({ name, addresses, hostKey, login }) =>
      loginTo(name, addresses.v4, hostKey, login.privateKeyFile),
    ),
    folder: filesFolder,
    as: work === "baseline" ? "baseline" : as,
    files: work === "baseline" ? [] : wantedFiles(work, variant),
    baseline: bench.hosts.baseline(variant),
  };
}

/** The provider's settings for a host of the lab. */
export function loginTo(label: string, host: string, hostKey: string, privateKeyFile: string) {
  return { label, host, user: "deploy", hostKey, privateKeyFile };
}

function onprem(name: string, title: string, as: "files" | "tree", setup: string): Peer {
  const project = new PulumiProject(name, onpremFolder, "bench-onprem");
  return {
    name,
    title,
    setup,
    traces: [],
    state: project,
    async install(bench) {
      const pulumi = await pulumiVersion(bench);
      return "version" in pulumi ? { version: `this commit, ${pulumi.version}` } : pulumi;
    },
    prepare: (bench, work, variant) => project.up(bench, work, programFor(bench, work, variant, as)),
  };
}
