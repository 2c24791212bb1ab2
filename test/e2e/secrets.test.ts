import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { afterEach, beforeEach, expect, test } from "vitest";
import { lab, machine, stackOn, within } from "./on-lab.ts";
import {
  everythingIn,
  placesOf,
  readableHere,
  spellingsOf,
  spellingsOfKey,
  watchCommandLines,
  withoutEnginesDump,
} from "./places-of-secrets.ts";

const server = machine("dev");

/** Every place that takes a secret gets this one. */
const canary = `canary${randomBytes(12).toString("hex")}`;
const secret = { $secret: "canary" };
const program = [
  { name: "file", type: "File", args: { path: "/etc/onprem-secret", content: secret } },
  {
    name: "tree",
    type: "FileTree",
    args: {
      path: "/etc/onprem-secrets",
      files: { "a.conf": { content: secret }, "b.conf": { content: "b\n" } },
    },
  },
];

const cleaned = () => within(server, "rm -rf /etc/onprem-secret /etc/onprem-secrets");
beforeEach(cleaned);
afterEach(cleaned);

test("a secret is found nowhere: state, engine's log, event stream, processes, journals, readable files", async () => {
  const key = await readFile(server.login.privateKeyFile, "utf8");
  const connection = { privateKeyFile: undefined, privateKey: { $secret: "key" } };
  await using stack = await stackOn(server, { connection, secrets: { canary, key } });
  const places: Record<string, string> = {};
  const watch = watchCommandLines();
  const first = await stack.up(program, "--logtostderr", "--logflow", "-v=8");
  await within(server, "echo changed >> /etc/onprem-secret; echo changed >> /etc/onprem-secrets/a.conf");
  const drifted = await stack.preview(program, "--diff");
  const healed = await stack.up(program, "--logtostderr", "--logflow", "-v=11");
  const broken = await stack.up(
    [
      {
        name: "file",
        type: "File",
        args: {
          path: "/etc/onprem-secret",
          content: secret,
          mode: "0600",
          validate: ["sh", "-c", 'cat "$1" >&2; false', "sh", "{}"],
        },
      },
      { name: "bad", type: "File", args: { path: secret, mode: secret, content: secret } },
    ],
    "--logtostderr",
    "-v=8",
  );
  places.processes = await watch.stop();
  expect([first.errors, healed.errors]).toEqual([[], []]);
  expect(broken.code).not.toBe(0);
  expect(Object.keys(drifted.changes).sort()).toEqual(["file", "tree"]);
  for (const [name, run] of Object.entries({ first, drifted, broken }))
    places[`output of the ${name} run`] = run.output;
  places["output of the healed run, at the highest verbosity"] = withoutEnginesDump(healed.output);
  places.state = await stack.export();
  places["back end"] = await everythingIn(stack.folder, ["program.json"]);
  places["the host's journal"] = await within(server, "journalctl -q -o json --all --no-pager");
  places["files that everybody may read"] = await within(
    server,
    `find / /run /dev/shm -xdev -type f -perm -o+r -newermt '-10 minutes' -not -path '/proc/*' -not -path '/sys/*' -exec grep -l ${canary} {} + || true`,
  );
  places["files on this machine that everybody may read"] = await readableHere(canary);
  // The search would find it if it were there: the engine was seen at work.
  expect(places.processes).toContain("pulumi");
  for (const one of lab().machines)
    places[`console of ${one.name}`] = await readFile(one.consoleLog, "utf8").catch(() => "");
  expect(placesOf([...spellingsOf(canary), ...spellingsOfKey(key)], places)).toEqual([]);
  expect(await within(server, "cat /etc/onprem-secret")).toBe(canary);
  expect((await stack.destroy()).errors).toEqual([]);
});
