import { Directory } from "../../../infra/provider/resources/directory.ts";
import { File } from "../../../infra/provider/resources/file.ts";
import type { Provider } from "../../../infra/provider/resources/provider.ts";
import type { Program } from "./index.ts";

/** Each file a resource of its own, after the folder. */
export function declareFiles(host: string, { folder, files }: Program, provider: Provider): void {
  const parent = new Directory(`${host}-folder`, { path: folder }, { provider });
  for (const { name, content, owner, group, mode } of files) {
    const path = `${folder}/${name}`;
    new File(`${host}-${name}`, { path, content, owner, group, mode }, { provider, dependsOn: parent });
  }
}
