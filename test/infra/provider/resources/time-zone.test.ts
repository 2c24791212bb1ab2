import { describe, expect, it } from "vitest";
import { type TimeZoneSeen, timeZone } from "../../../../infra/provider/resources/time-zone.ts";
import { run, write } from "../../../../infra/provider/step.ts";
import { checked } from "../checked.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

const want = { zone: "Europe/Copenhagen" };
const agreed: TimeZoneSeen = { zone: "Europe/Copenhagen", known: true, timezoneFile: "Europe/Copenhagen" };

const link = (zone: string) =>
  run(`set the time zone to ${zone}`, ["ln", "-sfT", "--", `/usr/share/zoneinfo/${zone}`, "/etc/localtime"], {
    property: "zone",
  });
const file = (zone: string) =>
  write("write /etc/timezone", {
    path: "/etc/timezone",
    content: `${zone}\n`,
    owner: "root",
    group: "root",
    mode: "0644",
    property: "timezoneFile",
  });

describe("observe", () => {
  it.each<[string, Record<string, Standing>, TimeZoneSeen]>([
    ["an absolute link", {}, agreed],
    [
      "a relative link",
      { "/etc/localtime": { type: "link", target: "../usr/share/zoneinfo/Europe/Copenhagen" } },
      agreed,
    ],
    ["no link, which means UTC", { "/etc/localtime": null }, { ...agreed, zone: "UTC" }],
    ["a copy", { "/etc/localtime": {} }, { ...agreed, zone: "(a file)" }],
    [
      "a link to elsewhere",
      { "/etc/localtime": { type: "link", target: "/srv/tz" } },
      { ...agreed, zone: "(/srv/tz)" },
    ],
    ["no /etc/timezone", { "/etc/timezone": null }, { zone: "Europe/Copenhagen", known: true }],
    ["a zone that is not there", { "/usr/share/zoneinfo/Europe/Copenhagen": null }, { ...agreed, known: false }],
    [
      "a folder of zones",
      { "/usr/share/zoneinfo/Europe/Copenhagen": { type: "directory" } },
      { ...agreed, known: false },
    ],
  ])("reads %s", async (_, more, expected) => {
    const paths: Record<string, Standing> = {
      "/etc/localtime": { type: "link", target: "/usr/share/zoneinfo/Europe/Copenhagen" },
      "/etc/timezone": { content: "Europe/Copenhagen\n" },
      "/usr/share/zoneinfo/Europe/Copenhagen": {},
      ...more,
    };
    expect(await timeZone.observe(new FakeHost({ paths }), want)).toEqual(expected);
  });
});

describe("plan", () => {
  it.each<[string, TimeZoneSeen, object[]]>([
    ["agrees", agreed, []],
    ["agrees without /etc/timezone", { zone: "Europe/Copenhagen", known: true }, []],
    [
      "sets both",
      { zone: "Etc/UTC", known: true, timezoneFile: "Etc/UTC" },
      [link("Europe/Copenhagen"), file("Europe/Copenhagen")],
    ],
    ["replaces a copy", { ...agreed, zone: "(a file)" }, [link("Europe/Copenhagen")]],
    ["mends /etc/timezone", { ...agreed, timezoneFile: "" }, [file("Europe/Copenhagen")]],
  ])("%s", (_, seen, steps) => {
    expect(timeZone.plan(want, seen)).toEqual(steps);
  });
});

describe("remove", () => {
  const memory = { zone: "Etc/UTC", timezoneFile: "Etc/UTC" };

  it("puts back the zone from before, once", () => {
    expect(timeZone.remember?.(want, { ...memory, known: true }, undefined)).toEqual(memory);
    expect(timeZone.remember?.(want, agreed, memory)).toEqual(memory);
    expect(timeZone.remove(agreed, memory)).toEqual([link("Etc/UTC"), file("Etc/UTC")]);
    expect(timeZone.remove({ ...memory, known: true }, memory)).toEqual([]);
  });

  it("leaves what it cannot make again, and where nothing is remembered", () => {
    expect(timeZone.remove(agreed, { zone: "(a file)" })).toEqual([]);
    expect(timeZone.remove(agreed)).toEqual([]);
  });
});

it("refuses a zone that the server does not have", () => {
  expect(timeZone.refuse?.(want, { ...agreed, known: false }, true)?.why).toBe(
    "there is no time zone Europe/Copenhagen in /usr/share/zoneinfo",
  );
  expect(timeZone.refuse?.(want, agreed, false)).toBeUndefined();
});

describe("check", () => {
  it.each(["Europe/Copenhagen", "UTC", "Etc/GMT+1", "America/Argentina/Buenos_Aires"])("accepts %s", (zone) => {
    expect(checked(timeZone, { zone })).toEqual({ zone });
  });

  it.each(["", "/etc/passwd", "../../../etc/passwd", "Europe//Copenhagen", "Europe/", "$(id)", "a b", "tzdata.zi"])(
    "refuses %j",
    (zone) => {
      expect(checked(timeZone, { zone })).toEqual([
        {
          property: "zone",
          reason: `must be a name in the tz database, such as Europe/Copenhagen; given: ${JSON.stringify(zone)}`,
        },
      ]);
    },
  );

  it("reports all mistakes at once", () => {
    expect(checked(timeZone, { name: "UTC" })).toEqual([
      { property: "name", reason: "unknown property; allowed are zone" },
      { property: "zone", reason: "is required" },
    ]);
  });
});

it("is named by one word", () => {
  expect([timeZone.id?.(want), timeZone.named("time-zone"), timeZone.named("UTC")]).toEqual([
    "time-zone",
    {},
    undefined,
  ]);
});
