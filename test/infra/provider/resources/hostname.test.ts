import { describe, expect, it } from "vitest";
import { type HostnameSeen, hostname } from "../../../../infra/provider/resources/hostname.ts";
import { run, write } from "../../../../infra/provider/step.ts";
import { checked } from "../checked.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

const hosts = "127.0.0.1 localhost\n127.0.1.1 dev.example.dk dev\n";
const want = { name: "dev.example.dk" };
const agreed: HostnameSeen = { name: "dev.example.dk", stored: "dev", live: "dev", hosts };

const file = { owner: "root", group: "root", mode: "0644" };
const writeHosts = (content: string) =>
  write("write /etc/hosts", { path: "/etc/hosts", content, ...file, property: "hosts" });
const writeName = (name: string) =>
  write("write /etc/hostname", { path: "/etc/hostname", content: `${name}\n`, ...file, property: "name" });
const callIt = (name: string) => run(`call the server ${name}`, ["hostname", "--", name], { property: "live" });

describe("observe", () => {
  const observe = (more: Record<string, Standing>) =>
    hostname.observe(
      new FakeHost({
        paths: {
          "/etc/hostname": { content: "dev\n" },
          "/proc/sys/kernel/hostname": { content: "dev\n" },
          "/etc/hosts": { content: hosts },
          ...more,
        },
      }),
      {},
    );
  const { hosts: _, ...withoutHosts } = agreed;

  it.each<[string, Record<string, Standing>, HostnameSeen]>([
    ["the whole name", {}, agreed],
    ["another name", { "/etc/hostname": { content: "web\n" } }, { ...agreed, name: "web", stored: "web" }],
    ["no line in /etc/hosts", { "/etc/hosts": { content: "" } }, { ...agreed, name: "dev", hosts: "" }],
    ["no files", { "/etc/hosts": null, "/etc/hostname": null }, { name: "", stored: "", live: "dev", hosts: "" }],
    [
      "hosts that are no text",
      { "/etc/hosts": { content: new Uint8Array([255, 254]) } },
      { ...withoutHosts, name: "dev" },
    ],
    ["hosts behind a link", { "/etc/hosts": { type: "link", target: "/run/hosts" } }, { ...withoutHosts, name: "dev" }],
  ])("reads %s", async (_, more, expected) => {
    expect(await observe(more)).toEqual(expected);
  });
});

describe("plan", () => {
  it.each<[string, HostnameSeen, object[]]>([
    ["agrees", agreed, []],
    [
      "sets everything, the line in /etc/hosts first",
      { name: "localhost", stored: "localhost", live: "localhost", hosts: "127.0.0.1 localhost\n" },
      [writeHosts(hosts), writeName("dev"), callIt("dev")],
    ],
    ["sets the name that a boot would set", { ...agreed, live: "web" }, [callIt("dev")]],
    ["stores the name", { ...agreed, name: "dev.example.dk", stored: "dev.example.dk" }, [writeName("dev")]],
    ["mends the line", { ...agreed, name: "dev", hosts: "127.0.0.1 localhost\n127.0.1.1 dev\n" }, [writeHosts(hosts)]],
  ])("%s", (_, seen, steps) => {
    expect(hostname.plan(want, seen)).toEqual(steps);
  });

  it("needs no domain", () => {
    expect(hostname.plan({ name: "dev" }, { ...agreed, name: "dev", hosts: "" })).toEqual([
      writeHosts("127.0.1.1 dev\n"),
    ]);
  });
});

describe("remove", () => {
  const memory = { stored: "old", names: [["old"], ["older"]] };

  it("puts back the name from before, once", () => {
    const before = "127.0.0.1 localhost\n127.0.1.1 old\n127.0.1.1 older\n";
    expect(hostname.remember?.(want, { name: "old", stored: "old", live: "x", hosts: before }, undefined)).toEqual(
      memory,
    );
    expect(hostname.remember?.(want, agreed, memory)).toEqual(memory);
    expect(hostname.remove(agreed, memory)).toEqual([writeHosts(before), writeName("old"), callIt("old")]);
    expect(hostname.remove({ name: "old", stored: "old", live: "old", hosts: before }, memory)).toEqual([]);
  });

  it("leaves the name where there was none, and where nothing is remembered", () => {
    expect(hostname.remove(agreed, { stored: "", names: [] })).toEqual([writeHosts("127.0.0.1 localhost\n")]);
    expect(hostname.remove(agreed)).toEqual([]);
  });
});

it("refuses hosts that are no text", () => {
  const { hosts: _, ...rest } = agreed;
  expect(hostname.refuse?.(want, rest, true)?.why).toBe("/etc/hosts is no plain file of UTF-8 text");
  expect(hostname.refuse?.(want, agreed, false)).toBeUndefined();
});

describe("check", () => {
  it.each([
    ["dev.example.dk", "dev.example.dk"],
    ["Dev", "dev"],
    ["3com.example.dk", "3com.example.dk"],
  ])("accepts %s", (name, expected) => {
    expect(checked(hostname, { name })).toEqual({ name: expected });
  });

  it.each([
    "",
    "-dev",
    "dev-",
    "dev.",
    ".dk",
    "de v",
    "dev\n",
    "dæv",
    "$(id)",
    "a".repeat(64),
    "localhost.example.dk",
    `${"a.".repeat(126)}bc`,
  ])("refuses %j", (name) => {
    expect(checked(hostname, { name })).toEqual([{ property: "name", reason: expect.stringMatching(/^must /) }]);
  });

  it("reports all mistakes at once", () => {
    expect(checked(hostname, { domain: "x" })).toEqual([
      { property: "domain", reason: "unknown property; allowed are name" },
      { property: "name", reason: "is required" },
    ]);
  });
});

it("is named by one word", () => {
  expect([hostname.id?.(want), hostname.named("hostname"), hostname.named("dev")]).toEqual(["hostname", {}, undefined]);
});
