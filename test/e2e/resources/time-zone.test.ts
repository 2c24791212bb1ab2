import { afterAll, beforeAll, expect, it } from "vitest";
import type { SshHost } from "../../../infra/provider/host/ssh-host.ts";
import { timeZone } from "../../../infra/provider/resources/time-zone.ts";
import { lab as theLab } from "../on-lab.ts";
import { byHand, labHost, Managed } from "./lifecycle.ts";

const lab = theLab();
let host: SshHost;
beforeAll(async () => {
  host = await labHost(lab, "dev", "deploy");
});
afterAll(() => host.close());

const now = async () => (await host.look(["date", "+%z"])).stdout;

it("creates, agrees, heals, updates and removes", async () => {
  const managed = new Managed(timeZone, host);
  const both = (zone: string) => [`set the time zone to ${zone}`, "write /etc/timezone"];

  expect(await managed.apply({ zone: "Asia/Kolkata" })).toEqual(both("Asia/Kolkata"));
  expect(await now()).toBe("+0530\n");
  expect(await managed.apply({ zone: "Asia/Kolkata" })).toEqual([]);

  await byHand(host, "rm /etc/localtime; cp /usr/share/zoneinfo/Asia/Tokyo /etc/localtime");
  expect(await managed.look()).toMatchObject({ zone: "(a file)" });
  expect(await managed.apply({ zone: "Asia/Kolkata" })).toEqual(["set the time zone to Asia/Kolkata"]);

  expect(await managed.apply({ zone: "Asia/Kathmandu" })).toEqual(both("Asia/Kathmandu"));
  expect(await now()).toBe("+0545\n");

  expect(await managed.destroy()).toEqual(both("Etc/UTC"));
  expect(await now()).toBe("+0000\n");
  expect(await managed.destroy()).toEqual([]);
});

it("refuses a zone that the server does not have, and changes nothing", async () => {
  await expect(new Managed(timeZone, host).apply({ zone: "Europe/Kobenhavn" })).rejects.toThrow(
    "nothing was changed on dev.lab.test\n  there is no time zone Europe/Kobenhavn in /usr/share/zoneinfo\n",
  );
});
