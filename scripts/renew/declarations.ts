import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { parseYaml } from "../yaml.ts";

/** What a stack's file says of certificates. */
export interface Declaration {
  readonly stack: string;
  readonly file: string;
  /** Whether it has `https.acme`. A file that cannot be read may have it. */
  readonly declared: boolean;
  /** Why it could not be read. */
  readonly problem?: string;
}

/** Reads a stack's file; what is wrong with one must not stand in the others' way. */
export async function readDeclaration([stack, file]: readonly [stack: string, file: string]): Promise<Declaration> {
  try {
    const document = parseYaml(await readFile(file, "utf8")) as Partly | null | undefined;
    return { stack, file, declared: document?.config?.["os2mo-on-prem:https"]?.acme != null };
  } catch (error) {
    const problem = `${basename(file)} could not be read: ${(error as Error).message}`;
    return { stack, file, declared: true, problem };
  }
}

/** A stack's file, as far as it matters here. */
interface Partly {
  readonly config?: Readonly<Record<string, { readonly acme?: unknown } | null | undefined>> | null;
}
