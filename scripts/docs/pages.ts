import { join } from "node:path";
import { allKinds } from "../../infra/provider/kinds.ts";
import { namespace, schemas } from "../../infra/settings.ts";
import { projectFolder } from "../engine/environment.ts";
import { resourcesPage } from "./resources-page.ts";
import { settingsPage } from "./settings-page.ts";
import { readSources } from "./sources.ts";

/** The declarations of the resources and of what their arguments are made of, with their comments. */
export function resourceSources() {
  return readSources(["resources", "zones"].map((folder) => join(projectFolder, "infra", "provider", folder)));
}

/** The pages that are written from the code: text by path from the project's folder. */
export async function generatedPages(): Promise<ReadonlyMap<string, string>> {
  const components = readSources([join(projectFolder, "infra", "components")]);
  return new Map([
    ["docs/resources.md", resourcesPage(await allKinds(), resourceSources(), components)],
    ["docs/settings.md", settingsPage(namespace, schemas)],
  ]);
}
