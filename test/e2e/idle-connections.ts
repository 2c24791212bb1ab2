import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerName } from "../../lab/status.ts";
import type { OwnLab } from "./own-lab.ts";

/** Connections that are open and silent, of the two kinds that a firewall cuts when it comes: the far side speaks first. */
export class IdleConnections {
  readonly #lab: OwnLab;
  readonly #server: ServerName;
  readonly #closers: (() => unknown)[] = [];
  /** By name: makes the silent side speak, and tells what the other side heard so far. */
  readonly #connections = new Map<string, { speak: () => unknown; heard: () => Promise<string> | string }>();

  private constructor(lab: OwnLab, server: ServerName) {
    this.#lab = lab;
    this.#server = server;
  }

  /** Opens, over IPv4 and IPv6, an SSH session to the server, and a connection of the server's to this machine's port 4505. */
  static async open(lab: OwnLab, server: ServerName): Promise<IdleConnections> {
    const connections = new IdleConnections(lab, server);
    for (const family of ["v4", "v6"] as const) {
      await connections.#session(family);
      await connections.#outbound(family);
    }
    // Silent from here on: what is still on its way must not look like an answer.
    await sleep(1_000);
    return connections;
  }

  /** Lets the silent sides speak, and says which connections carried it within three seconds. */
  async speak(): Promise<Record<string, boolean>> {
    for (const { speak } of this.#connections.values()) await speak();
    const result: Record<string, boolean> = {};
    const deadline = Date.now() + 3_000;
    for (const [name, { heard }] of this.#connections) {
      do {
        result[name] = (await heard()).includes("hello");
      } while (!result[name] && Date.now() < deadline && (await sleep(50, true)));
    }
    return result;
  }

  async close(): Promise<void> {
    for (const close of this.#closers) await close();
  }

  async #session(family: "v4" | "v6"): Promise<void> {
    const { addresses, login } = this.#lab.machine(this.#server);
    const pipe = `/root/idle-${family}`;
    await this.#lab.within(this.#server, `mkfifo ${pipe}`);
    const options = ["BatchMode=yes", "StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"];
    const session: ChildProcess = spawn(
      "ssh",
      [
        ...options.flatMap((option) => ["-o", option]),
        ...["-i", login.privateKeyFile, `root@${addresses[family]}`],
        `echo ready; cat ${pipe}`,
      ],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    let said = "";
    session.stdout?.on("data", (data) => {
      said += data;
    });
    while (!said.includes("ready")) await once(session.stdout as NonNullable<typeof session.stdout>, "data");
    this.#connections.set(`SSH session over ${family}, server speaks first`, {
      speak: () => this.#lab.within(this.#server, `timeout 1 sh -c 'echo hello > ${pipe}' || true`),
      heard: () => said,
    });
    this.#closers.push(() => session.kill("SIGKILL"));
  }

  async #outbound(family: "v4" | "v6"): Promise<void> {
    const address = this.#lab.status.controller.addresses[family];
    const listener: Server = createServer().listen(4505, address);
    await once(listener, "listening");
    const heard = `/root/heard-${family}`;
    const [[socket]] = await Promise.all([
      once(listener, "connection") as Promise<[Socket]>,
      this.#lab.within(
        this.#server,
        `systemd-run --quiet --unit=idle-${family} -- sh -c 'exec nc -d ${address} 4505 > ${heard}'`,
      ),
    ]);
    socket.on("error", () => undefined);
    this.#connections.set(`connection to the master over ${family}, master speaks first`, {
      speak: () => socket.write("hello"),
      heard: () => this.#lab.within(this.#server, `cat ${heard}`),
    });
    this.#closers.push(
      () => this.#lab.within(this.#server, `systemctl stop idle-${family} || true`),
      () => socket.destroy(),
      () => listener.close(),
    );
  }
}
