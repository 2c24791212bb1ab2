import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";

/** One resource as a test writes it. */
export interface Declared {
  name: string;
  /** Class name, such as `SystemdUnit`; a component's, such as `components/Front`; or a type of @pulumi/command, such as `command:remote:Command`. */
  type: string;
  /** Arguments; `{ "$secret": "key" }` stands for a secret of the configuration, `{ "$file": "path" }` for a local file. */
  args: Record<string, unknown>;
  /** Names of resources that come first. */
  after?: string[];
  /** Names of outputs that the program calls secret. */
  secretOutputs?: string[];
}

const config = new pulumi.Config();
const { connection, resources } = JSON.parse(readFileSync(process.env.LAB_TESTS_PROGRAM ?? "", "utf8")) as {
  connection: Record<string, unknown>;
  resources: Declared[];
};

type Class = new (name: string, args: unknown, options: pulumi.CustomResourceOptions) => pulumi.Resource;

class Server extends pulumi.ProviderResource {
  constructor(name: string, args: pulumi.Inputs) {
    super("onprem", name, args);
  }
}

const provider = new Server("server", resolved(connection) as pulumi.Inputs);
const made = new Map<string, pulumi.Resource>();

for (const { name, type, args, after = [], secretOutputs = [] } of resources) {
  const dependsOn = after.map((other) => made.get(other)).filter((other) => other !== undefined);
  const options = { dependsOn, additionalSecretOutputs: secretOutputs };
  if (type.startsWith("command:")) {
    const [, module = "", resource = ""] = type.split(":");
    const command = (await import("@pulumi/command")).default as unknown as Record<string, Record<string, Class>>;
    const Action = command[module]?.[resource];
    if (Action === undefined) throw new Error(`@pulumi/command has no ${type}`);
    made.set(name, new Action(name, resolved(args), options));
    continue;
  }
  const [className = "", folder = "provider/resources"] = type.split("/").reverse();
  const file = className.replace(/(?!^)[A-Z]/g, "-$&").toLowerCase();
  const module = await import(`../../../infra/${folder}/${file}.ts`);
  made.set(name, new module[className](name, resolved(args), { provider, ...options }));
}

function resolved(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(resolved);
  if (typeof value !== "object" || value === null) return value;
  if ("$secret" in value) return config.requireSecret(String(value.$secret));
  if ("$file" in value) return new pulumi.asset.FileAsset(String(value.$file));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolved(item)]));
}
