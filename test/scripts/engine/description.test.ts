import { expect, test } from "vitest";
import { describeOrigin, describeSetup } from "../../../scripts/engine/description.ts";

test.each([
  { from: "PATH", cached: true, text: "on PATH" },
  { from: "vendor's installer", cached: true, text: "from the cache, vendor's installer" },
  { from: "built from pinned Go modules", cached: false, text: "built from pinned Go modules" },
] as const)("$text", ({ from, cached, text }) => {
  expect(describeOrigin({ from, cached })).toBe(text);
});

test.each([
  { plugin: "official", text: "1.2.1, the official plugin in /home/.pulumi" },
  { plugin: "stand-in", text: "1.2.1, the project's stand-in, for the official plugin cannot be downloaded here" },
] as const)("set-up says what it found, with the $plugin plugin, and how to go on", ({ plugin, text }) => {
  const engine = { folder: "/cache/pulumi", version: "3.259.0", from: "PATH", cached: true } as const;
  const node = { path: "/project/node", version: "24.21.0" };
  expect(describeSetup({ engine, node, plugin, pluginVersion: "1.2.1", pulumiHome: "/home/.pulumi" })).toBe(`
Pulumi           3.259.0  /cache/pulumi/pulumi  (on PATH)
Node             24.21.0  /project/node
@pulumi/command  ${text}

Ready. Call Pulumi with   npm run pulumi -- up -s prod
or put it on PATH with    eval "$(npm run --silent env)"
`);
});
