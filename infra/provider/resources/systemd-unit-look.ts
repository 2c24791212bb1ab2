import type { Host, PathSeen } from "../host/host.ts";
import { keptAt, keptFolder } from "./kept.ts";
import { stampAt, unitFolder } from "./systemctl.ts";
import { filesOf, type SystemdUnitSeen, type SystemdUnitWant } from "./systemd-unit.ts";

const properties = ["Id", "LoadState", "ActiveState", "UnitFileState", "NeedDaemonReload", "InvocationID"];
const maxText = 1024 * 1024;

/** Looks at a unit and its files in one round trip. */
export async function observeUnit(
  host: Host,
  want: Partial<SystemdUnitWant>,
  prior?: Partial<SystemdUnitWant>,
): Promise<SystemdUnitSeen | undefined> {
  const { name = "", reads = {} } = want;
  const [shown, unitFile, dropInFiles, stampFile, invocation, kept, ...readFiles] = await Promise.all([
    host.look(["systemctl", "show", "-p", properties.join(), "--", name]),
    host.inspect(`${unitFolder}/${name}`, { content: maxText, hash: true }),
    host.inspect(`${unitFolder}/${name}.d`, { content: maxText, hash: true, recursive: true }),
    host.inspect(stampAt(name), { content: maxText }),
    // systemd makes this link when a service starts; a time stamp of systemctl would have seconds and a time zone.
    host.inspect(`/run/systemd/units/invocation:${name}`),
    host.inspect(keptFolder, { recursive: true }),
    ...Object.keys(reads).map((path) => host.inspect(path, { hash: true })),
  ]);
  const state = parseShow(shown.stdout);
  const [unit] = unitFile;
  const isOne = want.unit !== undefined || prior?.unit !== undefined || isImport(want);
  const dropIns = dropInsSeen(`${unitFolder}/${name}.d/`, dropInFiles, want, prior);
  const masked = state.LoadState === "masked";
  if (state.LoadState === "not-found" && unit === undefined && Object.keys(dropIns).length === 0) return undefined;

  const isActive = ["active", "reloading", "refreshing"].includes(state.ActiveState ?? "");
  const loaded = loadedBy(state.InvocationID ?? "", parseStamp(stampFile[0]), invocation[0]);
  const isOutdated = (file: PathSeen | undefined) => isActive && file !== undefined && !loaded(file);
  const ours = filesOf({ name, unit: want.unit ?? "", dropIns: want.dropIns ?? {} });
  const standing = new Map([...unitFile, ...dropInFiles].map((file) => [file.path, file]));
  const seen = {
    name,
    ...(state.Id === name || state.Id === "" ? {} : { aliasOf: state.Id ?? "" }),
    ...(isOne && (unit !== undefined || !isImport(want)) ? { unit: masked ? "" : textOf(unit) } : {}),
    dropIns,
    enabled: state.UnitFileState === "enabled",
    ...(want.running !== undefined || isImport(want) ? { running: isActive } : {}),
    masked,
    reads: Object.fromEntries(
      Object.keys(reads).map((path, index) => {
        const file = readFiles[index]?.[0];
        const sha256 = file?.sha256 ?? file?.type ?? "absent";
        return [path, isOutdated(file) ? `${sha256} (the running unit has not read it yet)` : sha256];
      }),
    ),
    unitFileState: state.UnitFileState ?? "",
    outdated: Object.keys(ours).filter((file) => isOutdated(standing.get(`${unitFolder}/${file}`))),
    needsReload: state.NeedDaemonReload === "yes",
  };
  const all = Object.keys({ ...filesOf({ name, dropIns: prior?.dropIns ?? {}, unit: prior?.unit ?? "" }), ...ours });
  const copies = new Set(kept.map((copy) => copy.path));
  const there = filesOf({ name, unit: seen.unit ?? "", dropIns });
  const before = filesOf({ name, unit: prior?.unit ?? "", dropIns: prior?.dropIns ?? {} });
  const isUnfamiliar = (file: string) =>
    prior !== undefined && !(file in before) && file in there && there[file] !== ours[file];
  return {
    ...seen,
    kept: all.filter((file) => copies.has(keptAt(`${unitFolder}/${file}`))).sort(),
    unfamiliar: Object.keys(ours).filter(isUnfamiliar).sort(),
  };
}

/** Only the name is known. */
function isImport(want: Partial<SystemdUnitWant>): boolean {
  return want.dropIns === undefined;
}

function parseShow(stdout: string): Record<string, string> {
  const lines = stdout.split("\n").filter((line) => line.includes("="));
  return Object.fromEntries(lines.map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]));
}

/** The text of a file; words that are no unit file for anything else. */
function textOf(file: PathSeen | undefined): string {
  if (file === undefined) return "";
  if (file.type === "link") return `[link to ${file.target}]`;
  return file.content === undefined ? `[${file.type}]` : new TextDecoder().decode(file.content);
}

/** The drop-ins that we want or wanted; all of them for an import. */
function dropInsSeen(
  folder: string,
  files: readonly PathSeen[],
  want: Partial<SystemdUnitWant>,
  prior: Partial<SystemdUnitWant> | undefined,
): Record<string, string> {
  const ours = { ...prior?.dropIns, ...want.dropIns };
  return Object.fromEntries(
    files.flatMap((file) => {
      const [, stem] = /^([^/]+)\.conf$/.exec(file.path.slice(folder.length)) ?? [];
      return stem !== undefined && (isImport(want) || Object.hasOwn(ours, stem)) ? [[stem, textOf(file)]] : [];
    }),
  );
}

interface Stamp {
  readonly invocation: string;
  /** SHA-256 by path. */
  readonly files: ReadonlyMap<string, string>;
}

/** What `act` in systemctl.ts has written: the invocation, then the output of `sha256sum -z`. */
function parseStamp(file: PathSeen | undefined): Stamp | undefined {
  if (file?.content === undefined) return undefined;
  const [, invocation = "", rest = ""] = /^([^\n]*)\n(.*)$/s.exec(new TextDecoder().decode(file.content)) ?? [];
  const entries = rest.split("\0").filter((entry) => entry !== "");
  return { invocation, files: new Map(entries.map((entry) => [entry.slice(66), entry.slice(0, 64)])) };
}

/**
 * Tells whether the running unit has read a file as it is. Our stamp knows, if the unit still runs as we left it. Somebody
 * else may have started it since, or the boot: then what is older than the start was read. For what is no service, systemd
 * records no start; it reads nothing but its own files, which a new start has taken in.
 */
function loadedBy(
  invocation: string,
  stamp: Stamp | undefined,
  link: PathSeen | undefined,
): (file: PathSeen) => boolean {
  return (file) => {
    const noted = stamp?.invocation === invocation ? stamp.files.get(file.path) : undefined;
    if (noted !== undefined) return noted === file.sha256;
    return link?.target !== invocation || file.mtime <= link.mtime;
  };
}
