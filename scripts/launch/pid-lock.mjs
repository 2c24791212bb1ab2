import { linkSync, mkdirSync, readFileSync, renameSync, unlinkSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

/**
 * Hold `file` as a lock: it names our process while we hold it. A lock whose process is gone, or whose number now belongs to another
 * process, is taken over. Works wherever hard links do, and without any program beside Node.
 * @param {string} file
 * @param {(holder: number) => void} onWait called once, with the process id of the holder, when we have to wait
 * @param {AbortSignal} [signal] ends the waiting
 * @returns {Promise<() => void>} gives the lock back
 */
export async function takeLock(file, onWait, signal) {
  mkdirSync(dirname(file), { recursive: true });
  const mine = `${process.pid} ${startOf(process.pid)}\n`;
  for (let told = false; ; ) {
    if (claim(file, mine)) return () => release(file, mine);
    const text = read(file);
    if (text === undefined) continue;
    const [pid = 0, start = ""] = text.trim().split(" ");
    if (!isAlive(Number(pid), String(start))) {
      discard(file, text);
      continue;
    }
    if (!told) onWait(Number(pid));
    told = true;
    await sleep(300, undefined, signal ? { signal } : {});
  }
}

/** A link appears whole or not at all, so nobody ever reads a lock that is half-written. @param {string} file @param {string} text */
function claim(file, text) {
  const draft = `${file}.${process.pid}`;
  writeFileSync(draft, text);
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** Moves a dead holder's lock away; if another taker was faster and it is theirs by now, puts it back. @param {string} file @param {string} dead */
function discard(file, dead) {
  const aside = `${file}.${process.pid}.dead`;
  try {
    renameSync(file, aside);
    if (read(aside) !== dead) linkSync(aside, file);
    unlinkSync(aside);
  } catch (error) {
    if (codeOf(error) !== "ENOENT" && codeOf(error) !== "EEXIST") throw error;
  }
}

/** @param {string} file @param {string} mine */
function release(file, mine) {
  if (read(file) === mine) unlinkSync(file);
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/** @param {number} pid @param {string} start */
function isAlive(pid, start) {
  if (!Number.isInteger(pid) || pid < 1) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== "EPERM") return false;
  }
  return startOf(pid) === start;
}

/** When a process started, in clock ticks since boot: proc(5), field 22; "-" where there is no /proc. @param {number} pid */
function startOf(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field is the program's name in parentheses, and may hold anything.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19] ?? "-";
  } catch {
    return "-";
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
