import { createHash } from "node:crypto";
import { basename } from "node:path";
import { byFields } from "../../provider/fields.ts";
import type { SshHost } from "../../provider/host/ssh-host.ts";
import type { Problems } from "../../provider/problems.ts";
import { type Content, LocalFile, run, write } from "../../provider/step.ts";
import { OtherAsset } from "../../provider/values.ts";
import type { Action, Occasion } from "./action.ts";
import type { Connections } from "./connections.ts";
import { type Connection, copyToRemoteFields } from "./inputs.ts";
import { commandFailed } from "./outcome.ts";

interface CopyInputs {
  readonly connection: Connection;
  readonly source: LocalFile | OtherAsset;
  readonly remotePath: string;
}

/**
 * `command:remote:CopyToRemote` for a FileAsset or a StringAsset, written by the account that logs in. The copy stays when
 * the resource goes, as with the official plugin.
 */
export function copyToRemote(connections: Connections): Action {
  const copy = async (occasion: Occasion) => {
    const { connection, source, remotePath } = occasion.inputs.values as unknown as CopyInputs;
    await place(await connections.to(connection, occasion.say), source, remotePath);
    return occasion.inputs;
  };
  return {
    type: "command:remote:CopyToRemote",
    summary: "A file copied to a remote host.",
    fields: copyToRemoteFields,
    results: [],
    idPrefix: () => "",
    check: byFields(copyToRemoteFields, requireAsset),
    create: copy,
    async update(occasion) {
      const [before, now] = [occasion.outputs.values, occasion.inputs.values] as unknown as CopyInputs[];
      const same = before?.source?.sha256 === now?.source.sha256 && before?.remotePath === now?.remotePath;
      return same ? occasion.inputs : copy(occasion);
    },
    async remove() {},
  };
}

function requireAsset(want: object, problems: Problems): void {
  const { source } = want as { source?: unknown };
  if (problems.isUnknown("source") || source instanceof LocalFile) return;
  if (source instanceof OtherAsset && source.is === "text") return;
  const wrong =
    source instanceof OtherAsset && source.is === "archive"
      ? "the official plugin of @pulumi/command has archives, the project's stand-in for it has not: copy single files"
      : "must be a pulumi.asset.FileAsset or a pulumi.asset.StringAsset";
  problems.add("source", source === undefined ? "is required" : wrong);
}

/**
 * Where a copy goes, found by the account itself: below its home unless the path is absolute, into a directory that is
 * there, through a link; what stands there keeps owner and mode. Gets the path and the source's own name, which texts
 * do not have. Answers owner, group and mode in the first line and the path after it.
 */
const destination = `cd -- "$HOME" || exit
to=$1
case $to in /*) ;; *) to=$PWD/$to ;; esac
if [ -d "$to" ]; then
  [ -n "$2" ] || { echo "$1 is a directory, and a text has no name of its own there: give a file's path" >&2; exit 1; }
  to=\${to%/}/$2
else
  mkdir -p -- "\${to%/*}/" || exit
fi
to=$(readlink -f -- "$to" && echo x) || exit
to=\${to%?x}
if [ -e "$to" ]; then stat -c '%u %g %a' -- "$to"; else echo "$(id -u) $(id -g) 644"; fi || exit
printf '%s' "$to"`;

async function place(host: SshHost, source: LocalFile | OtherAsset, remotePath: string): Promise<void> {
  const name = source instanceof LocalFile && source.path !== "" ? basename(source.path) : "";
  const title = `copy to ${remotePath}`;
  const found = await host.run(run(title, ["/bin/sh", "-c", destination, "sh", remotePath, name]));
  if (found.code !== 0) throw commandFailed(`could not ${title} on ${host.name}`, found, false);
  const [, owner = "", group = "", mode = "", path = ""] = /^(\d+) (\d+) (\d+)\n(.*)$/s.exec(found.stdout) ?? [];
  await host.perform([write(title, { path, content: contentOf(source), owner, group, mode: mode.padStart(4, "0") })]);
}

function contentOf(source: LocalFile | OtherAsset): Content {
  if (source instanceof OtherAsset) return String(source.wire.text);
  // The engine leaves an empty text out of what it sends, and what is left is a hash.
  return source.path === "" && source.sha256 === createHash("sha256").digest("hex") ? "" : source;
}
