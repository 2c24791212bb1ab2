import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { SettingsMistaken } from "../../../infra/settings/mistakes.ts";
import { namespace, readSettings, schemas } from "../../../infra/settings.ts";
import { parseYaml } from "../../../scripts/yaml.ts";

const project = join(import.meta.dirname, "..", "..", "..");

function configOf(file: string): Record<string, unknown> {
  return (parseYaml(readFileSync(join(project, file), "utf8")) as { config: Record<string, unknown> }).config;
}

test("Pulumi.yaml describes every key of the settings, in the settings' words, asks for none, and leaves checking to the program", () => {
  const declared = Object.entries(configOf("Pulumi.yaml"));
  const wanted = Object.entries(schemas).map(([key, { description }]) => [
    `${namespace}:${key}`,
    { description, default: key === "environment" ? "" : {} },
  ]);
  expect(declared).toEqual(wanted);
});

describe.each(["dev", "test", "prod"])("Pulumi.%s.yaml as it is handed out", (stack) => {
  test("lacks nothing but what only its operator knows", () => {
    const config = Object.fromEntries(
      Object.entries(configOf(`Pulumi.${stack}.yaml`)).map(([key, value]) => [key, JSON.stringify(value)]),
    );
    const paths: string[] = [];
    try {
      readSettings(stack, config);
    } catch (error) {
      if (!(error instanceof SettingsMistaken)) throw error;
      paths.push(...error.mistakes.map(({ path, reason }) => `${path} ${reason.split(":")[0]}`));
    }
    expect(paths).toEqual([
      "customer.domain is still the example's name",
      "customer.name is still the example's name",
      "server.host is still the example's address",
      "server.hostKey is required",
      "firewall.egress.dns-tcp.to[0] is still the example's address",
      "firewall.egress.dns.to[0] is still the example's address",
      "firewall.egress.packages.to[0] is still the example's address",
      "firewall.egress.time.to[0] is still the example's address",
      "firewall.internal[0] is still the example's address",
      "firewall.internal[1] is still the example's address",
      "firewall.management[0] is still the example's address",
      "firewall.saltMaster[0] is still the example's address",
      "administrator.keys needs at least one public SSH key, or the account could not be used (ACC-2)",
      "time.servers[0] is still the example's name",
    ]);
  });
});
