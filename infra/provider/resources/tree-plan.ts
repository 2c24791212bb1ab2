import { run, type Step, write } from "../step.ts";
import type { FileTreeMemory, FileTreeSeen, FileTreeWant, TreeFileSeen, TreeFileWant } from "./file-tree.ts";
import { keep, putBack } from "./kept.ts";
import { at, byName, chunks, own, parent, some } from "./tree-paths.ts";
import { agrees, neededDirectories } from "./tree-survey.ts";

/**
 * The steps of a tree: what must go goes first, since a directory may have to make room for a file and the other way
 * round; then directories, files, owners and modes. Files of one kind of change share a command.
 */
export function planTree(want: FileTreeWant, seen: FileTreeSeen | undefined, memory?: FileTreeMemory): Step[] {
  const path = (name: string) => at(want.path, name);
  const known = new Map(Object.entries(seen?.files ?? {}));
  const writes: Step[] = [];
  const keeps: Step[] = [];
  const attributes = new Attributes("files");
  for (const [name, file] of Object.entries(want.files).sort(([one], [other]) => byName(one, other))) {
    const there = known.get(name);
    if (there !== undefined && !("stranger" in there) && agrees(file, there))
      attributes.compare(path(name), file, there);
    else {
      const isAdopted = there !== undefined && memory?.adopted.includes(name) && !seen?.kept.includes(name);
      if (isAdopted) keeps.push(...keep(path(name), "files"));
      writes.push(writeFile(path(name), file));
    }
  }
  return [
    ...removals(want, seen, memory),
    ...directories(want, seen, memory),
    ...keeps,
    ...writes,
    ...attributes.steps(),
  ];
}

/** Removes our files, puts back what they replaced, and removes the directories of ours that are empty then. */
export function removeTree(seen: FileTreeSeen, memory?: FileTreeMemory): Step[] {
  const ours = Object.entries(seen.files).flatMap(([name, file]) =>
    "stranger" in file || file.type !== undefined ? [] : [name],
  );
  const made = Object.keys(seen.directories).filter((name) => memory?.made.includes(name));
  return [...takeAway(ours, seen, memory), ...removeDirectories(made, seen.path)];
}

function writeFile(path: string, file: TreeFileWant): Step {
  const { content, source, owner, group, mode, validate } = file;
  return write(`write ${path}`, {
    path,
    content: source ?? content ?? "",
    owner,
    group,
    mode,
    ...(validate === undefined ? {} : { validate }),
    property: "files",
  });
}

function removals(want: FileTreeWant, seen: FileTreeSeen | undefined, memory: FileTreeMemory | undefined): Step[] {
  if (seen === undefined) return [];
  const unwanted = Object.entries(seen.files).filter(([name]) => !Object.hasOwn(want.files, name));
  const isDirectory = (file: TreeFileSeen) => "stranger" in file && file.stranger === "directory";
  const files = unwanted.flatMap(([name, file]) => (isDirectory(file) ? [] : [name]));
  const strangers = unwanted.flatMap(([name, file]) => (isDirectory(file) ? [name] : []));
  return [...takeAway(files, seen, memory), ...removeDirectories([...strangers, ...spent(seen, memory)], seen.path)];
}

/** The spent directories that we made; one that holds another's directory has to stay with it. */
function spent(seen: FileTreeSeen, memory: FileTreeMemory | undefined): string[] {
  const staying = new Set<string>();
  return [...seen.spent]
    .sort(byName)
    .reverse()
    .filter((name) => {
      const goes = memory?.made.includes(name) === true && !staying.has(name);
      if (!goes) staying.add(parent(name));
      return goes;
    });
}

function takeAway(names: readonly string[], seen: FileTreeSeen, memory: FileTreeMemory | undefined): Step[] {
  const isAdopted = (name: string) => memory?.adopted.includes(name) === true;
  return [
    ...chunks(names.filter((name) => !isAdopted(name)).map((name) => at(seen.path, name))).map((paths) =>
      run(`remove ${some(paths)}`, ["rm", "-f", "--", ...paths], { property: "files" }),
    ),
    // Without a copy it was put back before an interruption: what stands there is not ours.
    ...names
      .filter((name) => isAdopted(name) && seen.kept.includes(name))
      .map((name) => putBack(at(seen.path, name), "files")),
  ];
}

/** Innermost first. Somebody may have put something there since we looked: then the directory stays. */
function removeDirectories(names: readonly string[], root: string): Step[] {
  const paths = names
    .map((name) => at(root, name))
    .sort(byName)
    .reverse();
  return chunks(paths).map((group) =>
    run(`remove ${some(group)}`, ["rmdir", "--ignore-fail-on-non-empty", "--", ...group], { property: "files" }),
  );
}

/** Makes missing directories, and gives those that we made their owner and mode. */
function directories(want: FileTreeWant, seen: FileTreeSeen | undefined, memory: FileTreeMemory | undefined): Step[] {
  const attributes = new Attributes("directoryMode");
  const wanted = { owner: want.owner, group: want.group, mode: want.directoryMode };
  const missing: string[] = [];
  for (const name of neededDirectories(Object.keys(want.files))) {
    const there = own(seen?.directories ?? {}, name);
    const path = at(want.path, name);
    if (there === undefined || there.type !== undefined) {
      missing.push(path);
      attributes.set(path, wanted);
    } else if (memory?.made.includes(name)) attributes.compare(path, wanted, there);
  }
  return [
    // Closed until they have their owner; what a set-group-id bit above would pass on is overwritten.
    ...chunks(missing).map((paths) =>
      run(`make ${some(paths)}`, ["mkdir", "-m", "0700", "--", ...paths], { property: "files" }),
    ),
    ...attributes.steps(),
  ];
}

interface Wanted {
  readonly owner: string;
  readonly group: string;
  readonly mode: string;
}

/** Paths by the owner and by the mode that they must get. */
class Attributes {
  readonly #property: string;
  readonly #owners = new Map<string, string[]>();
  readonly #modes = new Map<string, string[]>();

  constructor(property: string) {
    this.#property = property;
  }

  set(path: string, { owner, group, mode }: Wanted): void {
    add(this.#owners, `${owner}:${group}`, path);
    add(this.#modes, mode, path);
  }

  compare(path: string, want: Wanted, seen: Wanted): void {
    const sameOwner = seen.owner === want.owner && seen.group === want.group;
    if (!sameOwner) add(this.#owners, `${want.owner}:${want.group}`, path);
    // A new owner clears the set-user-id and set-group-id bits (chown(2)).
    if (!sameOwner || seen.mode !== want.mode) add(this.#modes, want.mode, path);
  }

  /** Five digits of mode: with fewer, chmod(1) leaves a directory's set-user-id and set-group-id bits as they are. */
  steps(): Step[] {
    const property = this.#property;
    const owners = grouped(this.#owners).map(([account, paths]) =>
      run(`give ${some(paths)} to ${account}`, ["chown", "-h", "--", account, ...paths], { property }),
    );
    const modes = grouped(this.#modes).map(([mode, paths]) =>
      run(`set mode ${mode} on ${some(paths)}`, ["chmod", "--", `0${mode}`, ...paths], { property }),
    );
    return [...owners, ...modes];
  }
}

function add(groups: Map<string, string[]>, key: string, path: string): void {
  const group = groups.get(key);
  if (group === undefined) groups.set(key, [path]);
  else group.push(path);
}

function grouped(groups: ReadonlyMap<string, readonly string[]>): [string, string[]][] {
  return [...groups].flatMap(([key, paths]) => chunks(paths).map((group): [string, string[]] => [key, group]));
}
