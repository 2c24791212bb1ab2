import { setTimeout } from "node:timers/promises";
import { expect, test } from "vitest";
import { certificateFiles, Front, type FrontArgs } from "../../../infra/components/front.ts";
import { pageText } from "../../../infra/components/front-page.ts";
import { configurationText, dropInText, headersText } from "../../../infra/components/front-texts.ts";
import { type Made, resourcesOf } from "./mocks.ts";

const page = { customer: "Nærum Kommune", environment: "test", hostname: "os2mo-test.naerum.dk" } as const;
const os = { id: "debian", release: "12" };
const debian = "1.22.1-9+deb12u11";
const outputs = {
  "onprem:linux:Package": { versions: { nginx: debian } },
  "onprem:linux:File": { sha256: "ab".repeat(32) },
};

function made(changes: Partial<FrontArgs> = {}, making?: Parameters<typeof resourcesOf>[2]): Promise<Made[]> {
  return resourcesOf(() => void new Front("front", { ...page, os, ...changes }), outputs, making);
}

const inputsOf = (resources: readonly Made[], name: string) => resources.find((one) => one.name === name)?.inputs;

test("the front is made of exactly these resources", async () => {
  const names = (await made()).map(({ type, name }) => `${type} ${name}`).sort();
  expect(names).toEqual([
    "onprem:linux:Directory front-locations",
    "onprem:linux:Directory front-page-folder",
    "onprem:linux:File front-configuration",
    "onprem:linux:File front-headers",
    "onprem:linux:File front-page",
    "onprem:linux:Package front-packages",
    "onprem:linux:SystemdUnit front-unit",
    "os2mo:server:Front front",
  ]);
});

test("each file is what the pure functions say, and nginx judges the whole of its configuration first", async () => {
  const resources = await made();
  const { chain, key } = certificateFiles;
  const packages = { logrotate: "installed", nginx: "installed", "nginx-common": "installed" };
  expect(inputsOf(resources, "front-packages")).toEqual({ packages });
  expect(inputsOf(resources, "front-configuration")).toEqual({
    path: "/etc/nginx/onprem.conf",
    content: configurationText({ hostname: page.hostname, chain, key, nginx: debian }),
    validate: ["/usr/sbin/nginx", "-t", "-q", "-c", "{}"],
  });
  expect(inputsOf(resources, "front-page")).toEqual({ path: "/var/www/onprem/index.html", content: pageText(page) });
  expect(inputsOf(resources, "front-headers")).toEqual({
    path: "/etc/nginx/onprem-headers.conf",
    content: headersText,
  });
  expect(inputsOf(resources, "front-locations")).toEqual({ path: "/etc/nginx/onprem.d" });
});

test("a changed configuration is a reload, never a restart", async () => {
  expect(inputsOf(await made(), "front-unit")).toEqual({
    name: "nginx.service",
    dropIns: { onprem: dropInText },
    enabled: true,
    running: true,
    reads: { "/etc/nginx/onprem.conf": "ab".repeat(32), "/etc/nginx/onprem-headers.conf": "ab".repeat(32) },
    onChange: "reload",
  });
});

test("the configuration comes after all that it names, and the unit after it", async () => {
  const before: Record<string, string[]> = {};
  await made({}, async ({ name }, resources) => {
    await setTimeout(50);
    before[name] = resources.map((one) => one.name);
  });
  expect(before["front-configuration"]).toEqual(
    expect.arrayContaining(["front-packages", "front-page", "front-headers", "front-locations"]),
  );
  expect(before["front-configuration"]).not.toContain("front-unit");
  expect(before["front-packages"]).toEqual(["front", "front-packages"]);
});

test("the certificate stands where its installer says", async () => {
  const content = inputsOf(
    await made({ certificate: { chain: "/a/chain.pem", key: "/b/key.pem" } }),
    "front-configuration",
  );
  expect(content?.content).toContain("ssl_certificate /a/chain.pem;\n  ssl_certificate_key /b/key.pem;\n");
});

test("a hostname that would be more than a word of the configuration is refused", () => {
  expect(() => new Front("front", { ...page, os, hostname: "a.dk; }" })).toThrow(
    'hostname: "a.dk; }" cannot stand in a configuration of nginx',
  );
});
