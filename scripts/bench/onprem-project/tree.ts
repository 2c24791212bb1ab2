import { FileTree } from "../../../infra/provider/resources/file-tree.ts";
import type { Provider } from "../../../infra/provider/resources/provider.ts";
import type { Program } from "./index.ts";

/** All files of a host one resource. */
export function declareTree(host: string, { folder, files }: Program, provider: Provider): void {
  const entries = files.map(({ name, ...file }) => [name, file] as const);
  new FileTree(`${host}-tree`, { path: folder, files: Object.fromEntries(entries) }, { provider });
}
