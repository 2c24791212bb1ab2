import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import {
  elementsOf,
  type NftSetElementsSeen,
  nftSetElements,
} from "../../../../infra/provider/resources/nft-set-elements.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const given = {
  table: "inet salt_gate",
  set: "allowed_v4",
  name: "os2mo.kommune.dk",
  elements: ["198.18.0.9", "198.18.0.7"],
};
const want = checked(nftSetElements, given) as Parameters<typeof nftSetElements.plan>[0];
const agreed: NftSetElementsSeen = { ...want, atBoot: true, there: true, missing: [] };
const path = "/etc/onprem/nft-elements/inet-salt_gate.allowed_v4.os2mo.kommune.dk.nft";
const text =
  "add element inet salt_gate allowed_v4 { 198.18.0.7 }\nadd element inet salt_gate allowed_v4 { 198.18.0.9 }\n";

describe("check", () => {
  it("puts addresses in order, each once", () => {
    expect(want.elements).toEqual(["198.18.0.7", "198.18.0.9"]);
  });

  it.each([
    [{ table: "inet x; flush ruleset" }, "table"],
    [{ set: "a b" }, "set"],
    [{ name: "../x" }, "name"],
    [{ elements: ["198.18.0.0/24"] }, "elements[0]"],
    [{ elements: [] }, "elements"],
  ])("%j", (more, property) => {
    expect(checked(nftSetElements, { ...given, ...more })).toEqual([expect.objectContaining({ property })]);
  });
});

it("sees what its file has, and what of it the set lost", async () => {
  const list = JSON.stringify({
    nftables: [{ set: { elem: ["198.18.0.7", { elem: { val: "198.18.0.50", comment: "x" } }] } }],
  });
  const host = new FakeHost({
    paths: { [path]: { content: text }, "/etc/systemd/system/nftables.service.d/onprem-elements.conf": null },
    looks: { "nft -j list set inet salt_gate allowed_v4": list },
  });
  expect(await nftSetElements.observe(host, want)).toEqual({ ...agreed, atBoot: false, missing: ["198.18.0.9"] });
  expect(elementsOf(list)).toEqual(["198.18.0.7", "198.18.0.50"]);
});

describe("plan", () => {
  const titles = (seen: NftSetElementsSeen) => nftSetElements.plan(want, seen).map(({ title }) => title);

  it.each<[string, NftSetElementsSeen, string[]]>([
    ["agrees", agreed, []],
    [
      "gives the set back what it lost",
      { ...agreed, missing: ["198.18.0.9"] },
      ["add 198.18.0.7, 198.18.0.9 to allowed_v4"],
    ],
    [
      "takes an old address away after the new one is in",
      { ...agreed, elements: ["198.18.0.7", "198.18.0.1"] },
      [
        `make the folder of ${path}`,
        `write ${path}`,
        "add 198.18.0.7, 198.18.0.9 to allowed_v4",
        "take 198.18.0.1 from allowed_v4",
      ],
    ],
  ])("%s", (_, seen, expected) => {
    expect(titles(seen)).toEqual(expected);
  });
});

it("refuses a table that the master does not have", () => {
  expect(nftSetElements.refuse?.(want, { ...agreed, there: false }, false)?.why).toBe(
    "there is no set allowed_v4 in the table inet salt_gate",
  );
});

it("NET-3: an address that another server has too is not taken away", () => {
  const folder = mkdtempSync(join(tmpdir(), "onprem-elements-"));
  try {
    const step = nftSetElements.remove({ ...agreed, elements: ["198.18.0.7"] }).at(-1);
    if (step?.do !== "run") throw new Error("no step");
    const argv = step.argv.map((word) => (word === "/etc/onprem/nft-elements" ? folder : word));
    // A program in place of nft that fails when it is asked to delete.
    writeFileSync(join(folder, "nft"), "#!/bin/sh\necho asked >&2\nexit 9\n", { mode: 0o755 });
    const run = () =>
      execFileSync(argv[0] ?? "", argv.slice(1), { env: { PATH: `${folder}:/usr/bin:/bin` }, stdio: "pipe" });
    writeFileSync(join(folder, "inet-salt_gate.allowed_v4.other.nft"), text);
    expect(() => run()).not.toThrow();
    rmSync(join(folder, "inet-salt_gate.allowed_v4.other.nft"));
    expect(
      execFileSync("sh", ["-c", '"$@" 2>&1 || true', "sh", ...argv], {
        env: { PATH: `${folder}:/usr/bin:/bin` },
        encoding: "utf8",
      }),
    ).not.toBe("x");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
