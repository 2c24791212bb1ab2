import { readFileSync } from "node:fs";
import { connect } from "../../infra/provider/host/ssh-host.ts";

// A process that holds the host layer and nothing else, so that its memory is the host layer's. Argument: JSON. Prints
// the resident memory before and at its peak, in MB.

const { settings, source, sha256, path } = JSON.parse(process.argv[2] ?? "");
const resident = (field: string) =>
  Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(readFileSync("/proc/self/status", "utf8"))?.[1]) / 1000;

const host = await connect(settings, { say: () => {} });
await host.look(["true"]);
const before = resident("VmRSS");
const content = { path: source, sha256 };
await host.perform([{ do: "write", title: "upload", path, content, owner: "root", group: "root", mode: "0600" }]);
// The peak since the process began, by the kernel's own count (proc(5), VmHWM).
const peak = resident("VmHWM");
await host.close();
console.log(JSON.stringify({ before, peak, growth: peak - before, connections: host.stats.connections }));
