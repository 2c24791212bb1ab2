import { randomInt } from "node:crypto";
import { lookup } from "node:dns/promises";
import { isIP, isIPv6 } from "node:net";
import { type Exchange, type NameServer, NoAnswer } from "../dns/exchange.ts";
import { challengeLabel } from "../dns/expected.ts";
import { Failure, reason } from "../failure.ts";
import { shortAddress } from "../ranges.ts";
import { askAuthority, isTold, type SetType } from "./authorities.ts";
import { signing, TsigRefused } from "./tsig.ts";
import { type Change, encodeUpdate } from "./update.ts";
import { waitForValue } from "./wait.ts";
import type { Rfc2136Settings, VendorZone, ZoneContext } from "./zone.ts";

/** Seconds for which others may keep a record. */
const ttl = { challenge: 5, address: 300 };

/** How often an update is sent to a server that keeps silent: done twice, it does no more than once. */
const tries = 3;

const rerun = "then run the update again.";

/** A zone on a name server that takes updates (RFC 2136). Updates and questions are signed, and so are the answers. */
export class Rfc2136Zone implements VendorZone {
  readonly title: string;
  readonly #settings: Rfc2136Settings;
  readonly #context: ZoneContext;
  readonly #exchange: Exchange;

  constructor(settings: Rfc2136Settings, context: ZoneContext) {
    const { zone, server, port, key } = settings;
    this.title = `RFC 2136 at ${server}${port === undefined ? "" : ` port ${port}`} (zone ${zone})`;
    this.#settings = settings;
    this.#context = context;
    this.#exchange = signing(context.exchange, key);
  }

  async present(name: string, value: string): Promise<void> {
    await this.#update(name, [
      { do: "require none", type: "CNAME" },
      { do: "add", type: "TXT", ttl: ttl.challenge, data: value },
    ]);
  }

  async wait(name: string, value: string): Promise<void> {
    await waitForValue({ ...this.#context, title: this.title }, name, value);
  }

  async cleanUp(name: string, value: string): Promise<void> {
    await this.#update(name, [{ do: "remove", type: "TXT", data: value }]);
  }

  async values(name: string): Promise<readonly string[]> {
    return this.#read(name, ["TXT"]);
  }

  async setAddresses(name: string, addresses: readonly string[]): Promise<void> {
    await this.#update(name, [
      ...(addresses.length > 0 ? [{ do: "require none", type: "CNAME" } as const] : []),
      { do: "remove all", type: "A" },
      { do: "remove all", type: "AAAA" },
      ...addresses.map((data): Change => {
        return { do: "add", type: isIPv6(data) ? "AAAA" : "A", ttl: ttl.address, data };
      }),
    ]);
  }

  async addresses(name: string): Promise<readonly string[]> {
    return this.#read(name, ["A", "AAAA"]);
  }

  async #read(name: string, types: readonly SetType[]): Promise<readonly string[]> {
    const what = `could not read ${name} at ${this.title}`;
    const server = await this.#server(what);
    const told = await askAuthority(this.#exchange, server, name, types).catch((error) => {
      throw this.#explained(what, error);
    });
    if (isTold(told)) return told;
    if (told.silence !== undefined) throw this.#explained(what, told.silence);
    throw new Failure({ what, why: `the server ${told.why}`, remedy: `See that it is the zone's primary; ${rerun}` });
  }

  async #update(name: string, changes: readonly Change[]): Promise<void> {
    const what = `could not change ${name} at ${this.title}`;
    const server = await this.#server(what);
    const message = encodeUpdate(randomInt(0x10000), this.#settings.zone, name, changes);
    for (let attempt = 1; ; attempt++) {
      try {
        const answer = await this.#exchange(server, message, "tcp");
        const rcode = (answer[3] ?? 0) & 0x0f;
        if (rcode === 0) return;
        throw new Failure({ what, ...ofCode(rcode, name, this.#settings) });
      } catch (error) {
        if (error instanceof NoAnswer && error.why === "silent" && attempt < tries) continue;
        throw this.#explained(what, error);
      }
    }
  }

  /** The server's address, looked up like any other name where it is one. */
  async #server(what: string): Promise<NameServer> {
    const { server, port = 53 } = this.#settings;
    if (isIP(server) !== 0) return { address: server, port };
    try {
      return { address: shortAddress((await lookup(server)).address), port };
    } catch (error) {
      throw new Failure({ what, why: `${server} has no address: ${reason(error)}` }, { cause: error });
    }
  }

  #explained(what: string, error: unknown): unknown {
    if (error instanceof NoAnswer) {
      const remedy = `Does the zone's primary run there, and do firewalls on the way let TCP and UDP to its port through? ${capital(rerun)}`;
      return new Failure({ what, why: error.message, remedy }, { cause: error });
    }
    if (!(error instanceof TsigRefused)) return error;
    return new Failure({ what, ...ofSignature(error, this.#settings) }, { cause: error });
  }
}

/** Types that are written at a name. */
function granted(name: string): string {
  return name.startsWith(challengeLabel) ? "TXT" : "A AAAA";
}

/** What a server's refusal means, by its code (RFC 2136, section 2.2). */
function ofCode(code: number, name: string, { zone, key }: Rfc2136Settings): { why: string; remedy?: string } {
  switch (code) {
    case 1:
      return { why: "the server could not read the update (FORMERR)" };
    case 2:
      return {
        why: "the server failed (SERVFAIL)",
        remedy: `Its log says why: most often it may not write the zone's file or journal; ${rerun}`,
      };
    case 4:
      return {
        why: "the server takes no updates (NOTIMP)",
        remedy: `Let it take updates of ${zone}, or give its primary as \`server\`; ${rerun}`,
      };
    case 5:
      return {
        why: `the server refused it: the key ${key.name} may not write this name (REFUSED)`,
        remedy: `Grant it in the zone's update policy (BIND: \`grant ${key.name} name ${name}. ${granted(name)};\`); ${rerun}`,
      };
    case 7:
      return {
        why: "a CNAME stands there, and nothing may stand beside one (YXRRSET)",
        remedy: `Take the CNAME at ${name} out of the zone; ${rerun}`,
      };
    case 9:
      return {
        why: `the server is not the primary of the zone ${zone} (NOTAUTH)`,
        remedy: `Give \`zone\` exactly as the server has it, and its primary as \`server\`; ${rerun}`,
      };
    case 10:
      return {
        why: `the name does not lie in the zone ${zone} (NOTZONE)`,
        remedy: `Give the zone that holds the name: it may have been handed on; ${rerun}`,
      };
    default:
      return { why: `the server refused it with the code ${code}` };
  }
}

function ofSignature({ problem, ahead }: TsigRefused, { key }: Rfc2136Settings): { why: string; remedy: string } {
  const same = `Compare name, algorithm and secret with the key in the server's configuration; ${rerun}`;
  switch (problem) {
    case "BADKEY":
      return {
        why: `the server does not know the key ${key.name}, or not with ${key.algorithm} (BADKEY)`,
        remedy: same,
      };
    case "BADSIG":
      return { why: `the server has another secret for the key ${key.name} (BADSIG)`, remedy: same };
    case "BADTRUNC":
      return { why: "the server wants a longer signature (BADTRUNC)", remedy: same };
    case "BADTIME":
    case "stale":
      return { why: `the clocks differ${byHow(ahead)} (BADTIME)`, remedy: `Set the clock that is wrong; ${rerun}` };
    case "unsigned":
      return {
        why: `the answer is not signed with the key ${key.name}: it may come from somebody else`,
        remedy: `See that the server knows the key, and that nothing between answers in its place; ${rerun}`,
      };
    case "forged":
      return {
        why: `the answer's signature is not that of the key ${key.name}: it may come from somebody else`,
        remedy: `See that nothing between here and the server changes or gives answers; ${rerun}`,
      };
  }
}

function byHow(ahead: number | undefined): string {
  if (ahead === undefined) return "";
  return `: the server's is ${Math.abs(ahead)} s ${ahead < 0 ? "behind" : "ahead of"} ours`;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);
