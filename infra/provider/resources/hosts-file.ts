/** The address that Debian and Ubuntu give to a server's own name, which must resolve without any network. */
const local = "127.0.1.1";

/** The names that hosts(5) gives to 127.0.1.1: one list for each line. */
export function localNames(hosts: string): string[][] {
  return hosts.split("\n").filter(isLocal).map(names);
}

/**
 * The text with exactly these lines for 127.0.1.1, where the first of them was, else after the line of 127.0.0.1.
 * Everything else stays as it is.
 */
export function withLocalNames(hosts: string, wanted: readonly string[][]): string {
  const lines = hosts === "" ? [] : hosts.replace(/\n$/, "").split("\n");
  const first = lines.findIndex(isLocal);
  const others = lines.filter((line) => !isLocal(line));
  const at = first >= 0 ? first : others.findIndex((line) => addressOf(line) === "127.0.0.1") + 1;
  const ours = wanted.map((list) => [local, ...list].join(" "));
  return [...others.slice(0, at), ...ours, ...others.slice(at)].map((line) => `${line}\n`).join("");
}

function isLocal(line: string): boolean {
  return addressOf(line) === local;
}

function addressOf(line: string): string | undefined {
  return words(line)[0];
}

function names(line: string): string[] {
  return words(line).slice(1);
}

function words(line: string): string[] {
  return line.replace(/#.*$/, "").split(/\s+/).filter(Boolean);
}
