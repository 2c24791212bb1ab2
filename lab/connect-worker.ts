import { readFileSync } from "node:fs";
import { connect } from "node:net";

/**
 * Runs inside a network namespace (see probe.ts). Reads one JSON line `{address, ports, timeoutMs}` from standard input,
 * tries to connect to each port, and prints one JSON object of port to "open" or "refused"; a port that is neither is filtered.
 */
interface Work {
  readonly address: string;
  readonly ports: readonly number[];
  readonly timeoutMs: number;
}

let input = "";
for await (const chunk of process.stdin) input += chunk;
const { address, ports, timeoutMs } = JSON.parse(input) as Work;
const answers: Record<number, "open" | "refused"> = {};
let next = 0;
await Promise.all(Array.from({ length: Math.min(socketsAllowed(), ports.length) }, work));
process.stdout.write(JSON.stringify(answers));

/** Sockets that this process may hold at a time, at most 16000. Node has raised the soft limit to the hard one already. */
function socketsAllowed(): number {
  const limit = /^Max open files\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "utf8"))?.[1];
  return Math.min(16_000, Number(limit ?? 1_024) - 64);
}

async function work(): Promise<void> {
  for (let port = ports[next++]; port !== undefined; port = ports[next++]) {
    const answer = await attempt(port);
    if (answer !== undefined) answers[port] = answer;
  }
}

function attempt(port: number): Promise<"open" | "refused" | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    const timer = setTimeout(() => end(undefined), timeoutMs);
    const end = (answer: "open" | "refused" | undefined) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.once("connect", () => end("open"));
    socket.once("error", ({ code }: NodeJS.ErrnoException) => {
      if (code === "ECONNREFUSED") end("refused");
      // What a firewall's ICMP "prohibited" or a missing route answer: nothing was reached.
      else if (code === "EHOSTUNREACH" || code === "ENETUNREACH" || code === "EACCES" || code === "ETIMEDOUT")
        end(undefined);
      else reject(new Error(`port ${port}: ${code}`));
    });
  });
}
