import { execFile } from "node:child_process";
import { createPrivateKey } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

/**
 * What the engine printed without its own dump: from -v=9 on it writes every property that it sends or takes, secrets in
 * the plain, to the program as well as to plugins, so no plugin can keep it from that. All else must be clean, our plugins'
 * own lines included (--logflow).
 */
export function withoutEnginesDump(output: string): string {
  return output
    .split("\n")
    .filter((line) => !/(Unm|M)arshaling property for RPC\[/.test(line))
    .join("\n");
}

/** Collects the command lines of all processes until stopped, ours and the hosts' (theirs are visible here too). */
export function watchCommandLines(): { stop(): Promise<string> } {
  const seen = new Set<string>();
  let stopped = false;
  const watching = (async () => {
    while (!stopped) {
      for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
        seen.add(await readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""));
      }
      await sleep(20);
    }
  })();
  return {
    async stop() {
      stopped = true;
      await watching;
      return [...seen].join("\n");
    },
  };
}

/** A secret as it could turn up: as it is, and in base64. */
export function spellingsOf(word: string): string[] {
  return [word, Buffer.from(word).toString("base64").replace(/=+$/, "")];
}

/** A private key as it could turn up: the lines of its PEM; of an elliptic curve, also the number itself. */
export function spellingsOfKey(pem: string): string[] {
  const lines = pem.split("\n").filter((line) => line.length > 20 && !line.startsWith("-----"));
  const number = pem.includes("OPENSSH") ? undefined : createPrivateKey(pem).export({ format: "jwk" }).d;
  return [...lines, ...(number === undefined ? [] : [number, Buffer.from(number, "base64url").toString("hex")])];
}

/** Where any of some secrets stands, by the text of each place; a place for each that is there. */
export function placesOf(secrets: readonly string[], places: Readonly<Record<string, string>>): string[] {
  return Object.entries(places).flatMap(([place, text]) =>
    secrets.filter((secret) => text.includes(secret)).map(() => place),
  );
}

/** The text of every file in a folder and below, but for those of some names. */
export async function everythingIn(folder: string, without: readonly string[] = []): Promise<string> {
  const names = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = names
    .filter((entry) => entry.isFile() && !without.includes(entry.name))
    .map((entry) => readFile(`${entry.parentPath}/${entry.name}`, "utf8"));
  return (await Promise.all(texts)).join("\n");
}

/** Recent files of this machine's temporary folders that every account may read and that hold a word. */
export async function readableHere(word: string): Promise<string> {
  const found = "/tmp /var/tmp /dev/shm -xdev -type f -perm -o+r -mmin -10 -size -10M -exec grep -ls".split(" ");
  const { stdout } = await promisify(execFile)("find", [...found, word, "{}", "+"]).catch(
    (error: { stdout?: string }) => ({ stdout: error.stdout ?? "" }),
  );
  return stdout === "" ? "" : `${word} in ${stdout}`;
}
