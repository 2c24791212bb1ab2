import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { tryFromHere } from "../../../scripts/verify/from-here.ts";
import { tryFromServer } from "../../../scripts/verify/from-server.ts";

const execute = promisify(execFile);
/** This machine in the server's place: the same perl, over loopback. */
const here = {
  look: async (argv: readonly string[]) => {
    const [program = "", ...words] = argv;
    const { stdout, stderr } = await execute(program, words);
    return { code: 0, stdout, stderr };
  },
};

const address = "127.0.0.1";

test("open, refused and without an answer are told apart, by TCP and by UDP", async () => {
  const listening = createServer((socket) => socket.end());
  listening.listen(0, address);
  const answering = createSocket("udp4");
  answering.on("message", (_, from) => answering.send("x", from.port, from.address));
  answering.bind(0, address);
  const mute = createSocket("udp4");
  mute.bind(0, address);
  await Promise.all([once(listening, "listening"), once(answering, "listening"), once(mute, "listening")]);
  try {
    const { port: open } = listening.address() as { port: number };
    const closed = 1;
    const attempts = [
      { protocol: "tcp" as const, address, port: open },
      { protocol: "tcp" as const, address, port: closed },
      { protocol: "udp" as const, address, port: answering.address().port },
      { protocol: "udp" as const, address, port: closed },
      { protocol: "udp" as const, address, port: mute.address().port },
      { protocol: "tcp" as const, address: "not an address", port: 1 },
    ];
    expect(await tryFromServer(here, attempts)).toEqual(["open", "refused", "open", "refused", "silent", "silent"]);
    expect(await tryFromHere(attempts.slice(0, 2))).toEqual(["open", "refused"]);
  } finally {
    listening.close();
    answering.close();
    mute.close();
  }
}, 15_000);
