import { spawn } from "node:child_process";
import { once } from "node:events";
import { expect, test } from "vitest";
import { identify, isAlive, parseStat, signalProcess } from "../../lab/process.ts";

test.each([
  [`7 (sh) S ${Array.from({ length: 18 }, (_, n) => n).join(" ")} 4711 0 0`, { state: "S", startTime: "4711" }],
  [`7 (a) b (c) R ${Array.from({ length: 18 }, (_, n) => n).join(" ")} 12 0`, { state: "R", startTime: "12" }],
  ["", undefined],
])("parseStat, case %#", (stat, expected) => {
  expect(parseStat(stat)).toEqual(expected);
});

test("a recycled PID is never signalled", async () => {
  const child = spawn("sleep", ["30"]);
  try {
    const who = (await identify(child.pid ?? 0)) ?? expect.fail("sleep does not run");
    expect(await signalProcess({ ...who, startTime: "1" }, "SIGKILL")).toBe(false);
    expect(await isAlive(who)).toBe(true);
    const ended = once(child, "exit");
    expect(await signalProcess(who, "SIGKILL")).toBe(true);
    await ended;
    expect([await isAlive(who), await signalProcess(who, "SIGKILL")]).toEqual([false, false]);
  } finally {
    child.kill("SIGKILL");
  }
});
