import { join } from "node:path";
import type { Peer } from "../peer.ts";
import { PulumiProject } from "./pulumi-project.ts";
import { pulumiVersion } from "./pulumi-version.ts";

const project = new PulumiProject("floor", join(import.meta.dirname, "..", "floor-project"), "bench-floor");

/** An empty Pulumi program: what everything else is measured against. */
export const floor: Peer = {
  name: "floor",
  title: "empty Pulumi program",
  setup:
    "`pulumi up --skip-preview` of a program without resources, no host: the floor of anything that runs in Pulumi.",
  idle: true,
  traces: [],
  state: project,
  install: pulumiVersion,
  prepare: (bench, work) => project.up(bench, work, {}),
};
