import { join } from "node:path";
import type { ActionsPlugin } from "../../infra/plugins/in-use.ts";
import type { Engine } from "./engine.ts";

/** What set-up found or made. */
export interface Setup {
  readonly engine: Engine;
  readonly node: { readonly path: string; readonly version: string };
  readonly plugin: ActionsPlugin;
  readonly pluginVersion: string;
  readonly pulumiHome: string;
}

/** Where the engine came from, in a few words. */
export function describeOrigin({ from, cached }: Pick<Engine, "from" | "cached">): string {
  if (from === "PATH") return "on PATH";
  return cached ? `from the cache, ${from}` : from;
}

/** What `npm run setup` says at its end. */
export function describeSetup({ engine, node, plugin, pluginVersion, pulumiHome }: Setup): string {
  const actions =
    plugin === "official"
      ? `${pluginVersion}, the official plugin in ${pulumiHome}`
      : `${pluginVersion}, the project's stand-in, for the official plugin cannot be downloaded here`;
  return `
Pulumi           ${engine.version}  ${join(engine.folder, "pulumi")}  (${describeOrigin(engine)})
Node             ${node.version}  ${node.path}
@pulumi/command  ${actions}

Ready. Call Pulumi with   npm run pulumi -- up -s prod
or put it on PATH with    eval "$(npm run --silent env)"
`;
}
