import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { settle } from "../../../../infra/provider/resources/apt.ts";

/** Locks a file as dpkg does, under a command line of its own choice. */
const lockScript = `use Fcntl qw(F_SETLK F_WRLCK SEEK_SET);
$0 = $ARGV[1];
open(my $file, '+<', $ARGV[0]) or die;
my $lock = pack('s s x4 q q l x4', F_WRLCK, SEEK_SET, 0, 0, 0);
fcntl($file, F_SETLK, $lock) or die;
$| = 1; print "locked\\n"; sleep 60;`;

test.each([
  ["another package manager", "apt-get upgrade", /^process \d+ \(apt-get upgrade\) holds /],
  ["the dpkg that it has come to itself", undefined, /^$/],
])("waiting for locks tells of %s as it should", async (_, command, told) => {
  const folder = await mkdtemp(join(tmpdir(), "onprem-apt-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, "lock");
  await writeFile(file, "");
  const [perl = "", ...words] = settle(60).waitsFor ?? [];
  const configure = words.slice(words.indexOf("--") + 2);
  const holder = spawn("perl", ["-e", lockScript, "--", file, command ?? configure.join(" ")]);
  onTestFinished(() => void holder.kill("SIGKILL"));
  await once(holder.stdout, "data");
  const asked = spawnSync(perl, words.with(words.indexOf("--") + 1, file), { encoding: "utf8" });
  expect(asked).toMatchObject({ status: 0, stderr: "", stdout: expect.stringMatching(told) });
});
