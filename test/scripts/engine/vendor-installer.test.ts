import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { installFromVendor, vendorProblem } from "../../../scripts/engine/vendor-installer.ts";
import { engineVersion } from "../../../scripts/engine/versions.ts";
import { Reporter } from "../../../scripts/reporter.ts";

let folder: string;
let draft: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-vendor-"));
  draft = join(folder, "draft");
  await mkdir(draft);
});
afterEach(() => rm(folder, { recursive: true }));

/** Surroundings whose only curl is a shell script. */
async function withCurl(script: string) {
  await writeFile(join(folder, "curl"), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  const env = { PATH: `${folder}:/usr/bin:/bin`, HOME: "/the/users/home" };
  return { env, reporter: new Reporter({ write: () => undefined }) };
}

/** An installer that understands the options that we give, as the vendor's does. */
const installer = `
set -e
while [ $# -gt 0 ]; do
  case $1 in
    --version) version=$2; shift 2;;
    --install-root) root=$2; shift 2;;
    --no-edit-path) edit=no; shift;;
  esac
done
mkdir -p "$root/bin"
echo "$version $edit $HOME" > "$root/bin/pulumi"
chmod +x "$root/bin/pulumi"
touch "$root/bin/pulumi-language-nodejs"
`;

test("the installer gets the pinned version, a home of its own, and leaves the engine alone in the folder", async () => {
  await writeFile(join(folder, "installer"), installer);
  expect(await installFromVendor(draft, await withCurl(`cat ${folder}/installer`))).toBeUndefined();
  expect((await readdir(draft)).sort()).toEqual(["pulumi", "pulumi-language-nodejs"]);
  expect(await readFile(join(draft, "pulumi"), "utf8")).toBe(`${engineVersion} no ${join(draft, "installer")}\n`);
});

test.each([
  {
    name: "a site that does not answer",
    curl: "echo 'curl: (28) timed out' >&2; exit 28",
    why: "curl: (28) timed out (exit 28)",
  },
  { name: "an installer that fails", curl: "echo 'echo no such version >&2; exit 3'", why: "no such version (exit 3)" },
  {
    name: "an installer that installs nothing",
    curl: "echo true",
    why: "its installer ended well, but left no pulumi",
  },
])("$name is told, and leaves nothing", async ({ curl, why }) => {
  expect(await installFromVendor(draft, await withCurl(curl))).toBe(why);
  expect(await readdir(draft)).toEqual([]);
});

test("a closed network is noticed before anything is downloaded", async () => {
  expect(await vendorProblem(await withCurl("echo 'curl: (6) no such host' >&2; exit 6"))).toBe(
    "curl: (6) no such host (exit 6)",
  );
  expect(await vendorProblem(await withCurl("exit 0"))).toBeUndefined();
  const without = { env: { PATH: draft }, reporter: new Reporter({ write: () => undefined }) };
  expect(await vendorProblem(without)).toBe("curl, which its installer needs, is not installed");
});
