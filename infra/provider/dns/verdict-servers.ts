import { type Evidence, holds, labelOfServer } from "./evidence.ts";
import { type Finding, found, listed } from "./finding.ts";
import type { AnsweringServer, Observation, ServerView, UnansweredServer } from "./observation.ts";

/** What is wrong with the zone's servers, whatever they have of the record. */
export function judgeServers({ zone = "", servers }: Observation, evidence: Evidence): Finding[] {
  const failed = servers.filter((server): server is UnansweredServer => "failed" in server);
  const silent = failed.filter((server) => !isOurs(server, servers));
  const lame = servers.filter((server): server is AnsweringServer => !("failed" in server) && !holds(server));
  return [...silence(zone, silent, evidence, failed.length === servers.length), ...lameness(zone, lame)];
}

/** Without IPv6, or without IPv4, this machine has no route to half of the addresses; that is nobody's mistake while the other half answers. */
function isOurs({ name, failed }: UnansweredServer, servers: readonly ServerView[]): boolean {
  return failed === "no route" && servers.some((other) => other.name === name && !("failed" in other));
}

function silence(zone: string, silent: readonly UnansweredServer[], { right }: Evidence, all: boolean): Finding[] {
  if (silent.length === 0) return [];
  return [
    found(
      "server-silent",
      right.length > 0 ? "warning" : "wrong",
      silent.map(labelOfServer),
      `${all ? "None" : "Not all"} of the name servers of ${zone} answer: ${listed(silent.map(told))}.`,
      all
        ? "Let this machine reach port 53 of any address, by UDP and TCP; if it can, the zone's servers are out of order. Until then only resolvers tell."
        : "Put them in order, or take them out of the zone's NS records: whoever asks them waits in vain, and a certificate authority may be among those.",
    ),
  ];
}

const reasons = {
  silent: "no answer",
  refused: "nobody listens on port 53",
  "no route": "no route from this machine",
  "no address": "its name has no address",
};

function told(server: UnansweredServer): string {
  return `${labelOfServer(server)}: ${reasons[server.failed]}`;
}

function lameness(zone: string, lame: readonly AnsweringServer[]): Finding[] {
  if (lame.length === 0) return [];
  const each = lame.map((server) => `${labelOfServer(server)}: ${server.rcode}`);
  return [
    found(
      "lame",
      "warning",
      lame.map(labelOfServer),
      `Name servers of ${zone} do not hold it: ${listed(each)}, without authority.`,
      `Set the zone ${zone} up on them, or take them out of its NS records, there and at the registry. If all of them are like this, something between here and them answers in their place.`,
    ),
  ];
}
