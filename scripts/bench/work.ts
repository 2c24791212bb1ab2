/** One file of the work, the same on every host. */
export interface WantedFile {
  /** Name below {@link filesFolder}. */
  readonly name: string;
  readonly content: string;
  readonly owner: string;
  readonly group: string;
  /** Four octal digits. */
  readonly mode: string;
}

/** Where the files of the work stand. */
export const filesFolder = "/etc/bench";

/** Numbers of files per host that are measured unless told otherwise; any other may be asked for. */
export const usualSizes = [20, 200, 600] as const;

/** What one peer brings three hosts to: so many files, or the baseline of a server. */
export type Work = number | "baseline";

/** The program before and after the change that the case `change` makes in it. */
export type Variant = "original" | "changed";

/** The file whose content the changed program has otherwise, and the one that somebody alters by hand on one host. */
const [changedFile, driftedFile] = [7, 3];

/** Owners and modes alternate, so that neither is a default that nobody compares. */
const attributes = [
  { owner: "root", group: "root", mode: "0644" },
  { owner: "root", group: "adm", mode: "0640" },
  { owner: "deploy", group: "deploy", mode: "0600" },
] as const;

/** The files of a work: small texts of 300 to 400 bytes, each different. */
export function wantedFiles(count: number, variant: Variant): WantedFile[] {
  return Array.from({ length: count }, (_, index) => ({
    name: fileName(index),
    content: fileText(index, variant === "changed" && index === changedFile % count),
    ...(attributes[index % attributes.length] ?? attributes[0]),
  }));
}

/** Path of the file that is altered by hand. */
export function driftedPath(count: number): string {
  return `${filesFolder}/${fileName(driftedFile % count)}`;
}

function fileName(index: number): string {
  return `part-${String(index).padStart(4, "0")}.conf`;
}

function fileText(index: number, changed: boolean): string {
  const settings = Array.from(
    { length: 8 },
    (_, line) => `setting_${line} = value ${index * 31 + line} of part ${index}`,
  );
  return `${[`# Part ${index} of the configuration.`, ...settings, `revision = ${changed ? 2 : 1}`].join("\n")}\n`;
}
