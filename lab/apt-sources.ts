import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { run } from "./command.ts";

/** One package source: an archive, the suite in it and its components. */
export interface AptSource {
  readonly uri: string;
  readonly suite: string;
  readonly components: readonly string[];
}

/** The archives that the lab's machines install from. */
export interface Mirrors {
  readonly main: string;
  readonly security: string;
}

/** Sources in a file of one line each, sources.list(5). Source packages and archives without components are left out. */
export function parseOneLine(text: string): AptSource[] {
  return text.split("\n").flatMap((line) => {
    const match = /^\s*deb\s+(?:\[[^\]]*\]\s*)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line);
    const [, uri, suite, components] = match ?? [];
    return uri && suite && components ? [{ uri, suite, components: components.trim().split(/\s+/) }] : [];
  });
}

/** Sources in a file of paragraphs, sources.list(5) "deb822". A paragraph with `Enabled: no` is left out. */
export function parseParagraphs(text: string): AptSource[] {
  const withoutComments = text.replace(/^#.*\n?/gm, "");
  return withoutComments.split(/\n\s*\n/).flatMap((paragraph) => {
    const fields = new Map<string, string[]>();
    for (const [, key, value] of paragraph.matchAll(/^(\S+?):((?:.*)(?:\n[ \t].*)*)/gm)) {
      fields.set((key ?? "").toLowerCase(), (value ?? "").split(/\s+/).filter(Boolean));
    }
    const get = (key: string) => fields.get(key) ?? [];
    if (!get("types").includes("deb") || ["no", "false", "0"].includes(get("enabled")[0] ?? "yes")) return [];
    const components = get("components");
    return get("uris").flatMap((uri) => get("suites").map((suite) => ({ uri, suite, components })));
  });
}

/**
 * The machine's own Debian archives among its sources: those that serve `main` of the machine's release, of which the one that also
 * serves its updates wins, for a third party's archive may use the same suite name. `undefined` when there is none by HTTP.
 */
export function chooseMirrors(sources: readonly AptSource[], codename: string): Mirrors | undefined {
  const releases = [codename, "stable", "oldstable", "testing", "unstable", "sid"];
  const serving = (suites: readonly string[]) =>
    sources.filter(
      ({ uri, suite, components }) =>
        /^https?:\/\//.test(uri) && components.includes("main") && suites.includes(suite.replace(/\/+$/, "")),
    );
  const withUpdates = new Set(serving(releases.map((release) => `${release}-updates`)).map(({ uri }) => uri));
  const candidates = serving(releases).map(({ uri }) => uri);
  const main = candidates.find((uri) => withUpdates.has(uri)) ?? candidates[0];
  const security = serving(releases.map((release) => `${release}-security`))[0]?.uri;
  if (main === undefined || security === undefined) return undefined;
  return { main: main.replace(/\/+$/, ""), security: security.replace(/\/+$/, "") };
}

/** The lines of a sources.list with main, updates and security of one release. */
export function sourceLines({ main, security }: Mirrors, release: string): string[] {
  return [
    `deb ${main} ${release} main`,
    `deb ${main} ${release}-updates main`,
    `deb ${security} ${release}-security main`,
  ];
}

/**
 * A sources.list as a host behind the lab's package proxy needs it. The proxy can keep only what it reads itself, so an archive by
 * HTTPS is asked for by HTTP under a name that tells the proxy to use TLS (apt-cacher-ng manual, "Access to SSL/TLS remotes").
 */
export function throughProxy(sourcesList: string): string {
  return sourcesList.replace(/^(deb\s+(?:\[[^\]]*\]\s*)?)https:\/\//gm, "$1http://HTTPS///");
}

/** What apt on this machine is told about reaching its archives, in the words of apt.conf(5). */
export interface AptAccess {
  /** Options that decide which archives are believed. Hosts get them too, else they could refuse what this machine accepts. */
  readonly checks: readonly string[];
  /** Proxy between this machine and the archives, for apt and for the lab's package proxy. */
  readonly proxy: string | undefined;
}

/** Pick the {@link AptAccess} from `apt-config dump` and the environment. */
export function parseAptAccess(dump: string, env: NodeJS.ProcessEnv): AptAccess {
  const option = (name: string) => new RegExp(`^${name} "(.*)";$`, "m").exec(dump)?.[1];
  const checks = ["Acquire::Check-Valid-Until", "Acquire::Check-Date"].flatMap((name) => {
    const value = option(name);
    return value === undefined ? [] : [`${name} "${value}";`];
  });
  const proxy = option("Acquire::http::Proxy") || env.http_proxy || env.HTTP_PROXY || undefined;
  return { checks, proxy: proxy === "DIRECT" ? undefined : proxy };
}

/** Read {@link AptAccess} of this machine. */
export async function readAptAccess(): Promise<AptAccess> {
  return parseAptAccess(await run(["apt-config", "dump"]), process.env);
}

/** The Debian archives of this machine; `undefined` where it is not a Debian or names none, and mmdebstrap's own choice is used. */
export async function readMirrors(folder = "/etc/apt", osRelease = "/etc/os-release"): Promise<Mirrors | undefined> {
  const release = await readFile(osRelease, "utf8").catch(() => "");
  const codename = /^VERSION_CODENAME=(\S+)$/m.exec(release)?.[1];
  if (!/^ID="?debian"?$/m.test(release) || codename === undefined) return undefined;
  const parts = (await readdir(join(folder, "sources.list.d")).catch(() => [])).sort();
  const read = async (name: string) => readFile(join(folder, name), "utf8").catch(() => "");
  const sources = parseOneLine(await read("sources.list"));
  for (const part of parts) {
    const text = await read(join("sources.list.d", part));
    if (part.endsWith(".list")) sources.push(...parseOneLine(text));
    if (part.endsWith(".sources")) sources.push(...parseParagraphs(text));
  }
  return chooseMirrors(sources, codename);
}
