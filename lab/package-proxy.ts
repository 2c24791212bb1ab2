import { createHash, randomInt } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { readAptAccess } from "./apt-sources.ts";
import { findGroups, processesOf, removeGroups } from "./cgroup.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { labFolder, runFolder } from "./places.ts";
import { isAlive, type ProcessIdentity, startDaemon, waitUntil } from "./process.ts";
import type { Progress } from "./status.ts";

/** Port of the package proxy at the controller's address in every lab. */
export const packageProxyPort = 3142;

/**
 * One apt-cacher-ng per cache, on a free loopback port, because two of them writing one cache folder would spoil it. Each lab has a
 * systemd-socket-proxyd that listens at the lab's own address and hands connections on, so that a lab comes and goes without touching
 * the downloads of another.
 */
const folder = () => join(labFolder(), "packages");
const record = () => join(folder(), "process.json");
const lock = () => join(labFolder(), "packages.lock");

/** Control group of the shared proxy: named after its cache, not after a lab. */
const sharedGroup = () => `onpremcache.${createHash("sha256").update(labFolder()).digest("hex").slice(0, 12)}`;
const forwarderGroup = (lab: string) => `onprem-${lab}.packages`;
const supervise = join(import.meta.dirname, "supervise.sh");

interface Running {
  readonly process: ProcessIdentity;
  readonly port: number;
}

/** Configuration of apt-cacher-ng, see its manual, section "Configuration". */
export function proxyConfiguration(at: string, port: number, upstream: string | undefined): string {
  return [
    `CacheDir: ${join(at, "cache")}`,
    `LogDir: ${join(at, "log")}`,
    `SocketPath: ${join(at, "socket")}`,
    "SupportDir: /usr/lib/apt-cacher-ng",
    "BindAddress: 127.0.0.1",
    `Port: ${port}`,
    "ForeGround: 1",
    // 443 is what an archive by HTTPS needs, see throughProxy.
    "AllowUserPorts: 80 443",
    ...(upstream === undefined ? [] : [`Proxy: ${upstream}`]),
    "",
  ].join("\n");
}

/** Offer packages to a lab at `address`. Does nothing when it does already. */
export async function startPackageProxy(lab: string, address: string, progress: Progress): Promise<void> {
  await withLock(lock(), progress, async () => {
    const port = (await runningPort()) ?? (await startShared());
    if (await forwarderRuns(lab)) return;
    await removeGroups(await findGroups((name) => name === forwarderGroup(lab)));
    await startDaemon(
      [
        supervise,
        forwarderGroup(lab),
        "systemd-socket-activate",
        `--listen=${address}:${packageProxyPort}`,
        "/lib/systemd/systemd-socket-proxyd",
        `127.0.0.1:${port}`,
      ],
      join(runFolder(lab), "packages.log"),
    );
    if (!(await waitUntil(() => answers(address, packageProxyPort), 5_000))) {
      throw new LabError(
        "the lab's package proxy does not answer",
        `nothing listens at ${address}:${packageProxyPort}; ${join(runFolder(lab), "packages.log")} may say why`,
        `another program may listen on every address at port ${packageProxyPort}: ss -ltn`,
      );
    }
  });
}

/** Whether a lab's packages are offered. */
export async function packageProxyRuns(lab: string): Promise<boolean> {
  return (await runningPort()) !== undefined && (await forwarderRuns(lab));
}

/** End a lab's forwarder, and the shared proxy too when no other lab of this cache uses it. */
export async function stopPackageProxy(lab: string, otherLabs: readonly string[], progress: Progress): Promise<void> {
  await withLock(lock(), progress, async () => {
    await removeGroups(await findGroups((name) => name === forwarderGroup(lab)));
    const used = await Promise.all(otherLabs.map(forwarderRuns));
    if (used.includes(true)) return;
    await removeGroups(await findGroups((name) => name === sharedGroup()));
    await rm(record(), { force: true });
  });
}

async function forwarderRuns(lab: string): Promise<boolean> {
  const groups = await findGroups((name) => name === forwarderGroup(lab));
  return (await Promise.all(groups.map(processesOf))).flat().length > 0;
}

async function recorded(): Promise<Running | undefined> {
  const text = await readFile(record(), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Running);
}

async function runningPort(): Promise<number | undefined> {
  const last = await recorded();
  return last && (await isAlive(last.process)) ? last.port : undefined;
}

async function startShared(): Promise<number> {
  await removeGroups(await findGroups((name) => name === sharedGroup()));
  for (const part of ["cache", "log"]) await mkdir(join(folder(), part), { recursive: true });
  // The port it had, if it died: the forwarders of other labs still point there.
  const port = await freePort((await recorded())?.port);
  const { proxy } = await readAptAccess();
  await writeFile(join(folder(), "acng.conf"), proxyConfiguration(folder(), port, proxy), { mode: 0o600 });
  await chmod(join(folder(), "acng.conf"), 0o600); // an upstream proxy may be named with a password
  const process = await startDaemon(
    [supervise, sharedGroup(), "apt-cacher-ng", "-c", folder()],
    join(folder(), "log", "output.log"),
  );
  if (!(await waitUntil(() => answers("127.0.0.1", port), 10_000))) {
    throw new LabError("apt-cacher-ng does not start", `it prints to ${join(folder(), "log", "output.log")}`);
  }
  await writeFile(record(), JSON.stringify({ process, port } satisfies Running));
  return port;
}

/** A loopback port that nobody listens on, the preferred one if it is free. apt-cacher-ng 3.7.4 refuses ports from 32768 on ("Error resolving address"). */
async function freePort(preferred: number | undefined): Promise<number> {
  if (preferred !== undefined && (await canListen(preferred))) return preferred;
  for (let attempt = 0; attempt < 50; attempt++) {
    const port = randomInt(20_000, 32_768);
    if (await canListen(port)) return port;
  }
  throw new LabError("no loopback port is free for the package proxy", "50 ports from 20000 to 32767 were tried");
}

function canListen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}

/** Whether something accepts connections there, within half a second. */
export function answers(address: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: 500 });
    const end = (result: boolean) => {
      socket.destroy();
      resolve(result);
    };
    socket.once("connect", () => end(true));
    socket.once("timeout", () => end(false));
    socket.once("error", () => end(false));
  });
}
