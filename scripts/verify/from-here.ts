import { connect } from "node:net";
import type { Answer, Attempt } from "./checks.ts";

/** Milliseconds for one attempt: room for two repeated SYNs (RFC 6298: after 1 and 3 s). */
const patience = 4_000;

/** Tries TCP connections from this machine, all at once. */
export function tryFromHere(attempts: readonly Attempt[]): Promise<Answer[]> {
  return Promise.all(
    attempts.map(
      ({ address, port }) =>
        new Promise<Answer>((resolve) => {
          const socket = connect({ host: address, port });
          const end = (answer: Answer) => {
            socket.destroy();
            resolve(answer);
          };
          socket.setTimeout(patience, () => end("silent"));
          socket.on("connect", () => end("open"));
          socket.on("error", ({ code }: NodeJS.ErrnoException) => end(answerOf(code)));
        }),
    ),
  );
}

function answerOf(code: string | undefined): Answer {
  if (code === "ECONNREFUSED" || code === "ECONNRESET") return "refused";
  return code === "ENETUNREACH" || code === "EHOSTUNREACH" ? "no route" : "silent";
}
