import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { hostKeyOf } from "../../../infra/provider/host/host-key.ts";
import { comparison, keyFile, md5, randomArt } from "../../../scripts/trust/fingerprints.ts";

const folder = mkdtempSync(join(tmpdir(), "onprem-fingerprints-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A new key as ssh-keygen makes it, and what ssh-keygen shows of it. */
function made(name: string, ...type: string[]) {
  const file = join(folder, name);
  execFileSync("ssh-keygen", ["-q", "-N", "", "-C", "", "-f", file, ...type]);
  const shown = (...flags: string[]) =>
    execFileSync("ssh-keygen", [...flags, "-f", `${file}.pub`], { encoding: "utf8" });
  const [, base64 = ""] = readFileSync(`${file}.pub`, "utf8").split(" ");
  return { key: hostKeyOf(Buffer.from(base64, "base64")), shown };
}

const words = [
  { type: "ed25519", words: ["-t", "ed25519"] },
  { type: "ecdsa", words: ["-t", "ecdsa", "-b", "256"] },
  { type: "ecdsa", words: ["-t", "ecdsa", "-b", "521"] },
  { type: "rsa", words: ["-t", "rsa", "-b", "2048"] },
  { type: "rsa", words: ["-t", "rsa", "-b", "3071"] },
];

test.each(words)("shows of a key what ssh-keygen $words shows of it", ({ type, words }) => {
  // Several, for a walk differs with each key.
  for (const round of [1, 2, 3]) {
    const { key, shown } = made(`${words.join("")}${round}`, ...words);
    expect(shown("-lv").trimEnd().split("\n").slice(1)).toEqual(randomArt(key));
    expect(shown("-l").split(" ")[1]).toBe(key.fingerprint);
    expect(shown("-l", "-E", "md5").split(" ")[1]).toBe(md5(key.blob));
    expect(keyFile(key.type)).toBe(`/etc/ssh/ssh_host_${type}_key.pub`);
  }
});

test("the comparison has a command for each key and form, and the pictures side by side", () => {
  const keys = [words[0], words[1]].map((one, index) => made(`compared${index}`, ...(one?.words ?? [])).key);
  const [first, second] = keys.map((key) => ({ ...key, md5: md5(key.blob) }));
  const lines = comparison(keys);
  expect(lines.slice(0, 9)).toEqual([
    "on its console:",
    "  ssh-keygen -lvf /etc/ssh/ssh_host_ed25519_key.pub",
    `    ${first?.fingerprint}`,
    "  ssh-keygen -E md5 -lf /etc/ssh/ssh_host_ed25519_key.pub",
    `    ${first?.md5}`,
    "  ssh-keygen -lvf /etc/ssh/ssh_host_ecdsa_key.pub",
    `    ${second?.fingerprint}`,
    "  ssh-keygen -E md5 -lf /etc/ssh/ssh_host_ecdsa_key.pub",
    `    ${second?.md5}`,
  ]);
  expect(lines[9]).toBe("  +--[ED25519 256]--+  +---[ECDSA 256]---+");
  expect(lines).toHaveLength(20);
});
