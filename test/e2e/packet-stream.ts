import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect } from "node:net";
import { setImmediate as turn } from "node:timers/promises";

/**
 * Runs inside a network namespace. Sends a stream of datagrams, and of connection attempts, to one port of an address until
 * standard input closes: `node packet-stream.ts ADDRESS PORT`.
 */
const [address = "", port = "0"] = process.argv.slice(2);
let running = true;
process.stdin.resume();
process.stdin.once("end", () => {
  running = false;
});

const datagrams = createSocket(address.includes(":") ? "udp6" : "udp4");
datagrams.on("error", () => undefined);
datagrams.connect(Number(port), address);
await once(datagrams, "connect");
while (running) {
  for (let burst = 0; burst < 200; burst++) datagrams.send("x");
  for (let burst = 0; burst < 20; burst++) attempt();
  await turn();
}
process.exit();

/** One SYN; nothing is expected back. */
function attempt(): void {
  const socket = connect(Number(port), address);
  socket.on("error", () => undefined);
  socket.once("connect", () => socket.destroy());
  setTimeout(() => socket.destroy(), 5);
}
