import { isIP } from "node:net";
import type { Host } from "../../infra/provider/host/host.ts";
import type { Attempt } from "./checks.ts";

/** A socket that waits for connections: `0.0.0.0`, `[::]` and `*` stand for every address, `*` in both versions of IP. */
export interface Listener {
  readonly address: string;
  readonly port: number;
}

/** Which TCP ports the server listens on, by its own word (ss(8)); needs no root. `undefined` where it has no `ss`. */
export async function askListeners(host: Pick<Host, "look">): Promise<readonly Listener[] | undefined> {
  const { code, stdout } = await host.look(["ss", "-Hltn"], { exits: [0, 127] });
  return code === 0 ? readListeners(stdout) : undefined;
}

/**
 * Reads what `ss -Hltn` prints, which has no form for machines. Left out is an interface after an address (`127.0.0.53%lo`), and that an
 * IPv4 address is bound by a socket of IPv6 (RFC 4291, section 2.5.5.2). Pure.
 */
export function readListeners(text: string): Listener[] {
  return text.split("\n").flatMap((line) => {
    const [, address = "", port] = /\s(\S+?)(?:%[^:\s]+)?:(\d+)\s/.exec(line) ?? [];
    return port === undefined
      ? []
      : [{ address: address.replace(/^\[(?:::ffff:(?=\d+\.))?(.*)\]$/, "$1"), port: Number(port) }];
  });
}

/** Whether something surely listens for an attempt. Not what listens at another address alone, such as on loopback. Pure. */
export function listensFor(listeners: readonly Listener[], { address, port }: Attempt): boolean {
  const everywhere = { 4: ["*", "0.0.0.0"], 6: ["*", "::"] }[isIP(address)] ?? ["*"];
  return listeners.some((one) => one.port === port && (one.address === address || everywhere.includes(one.address)));
}
