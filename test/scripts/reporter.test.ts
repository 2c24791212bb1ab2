import { expect, test } from "vitest";
import { describeSeconds, Reporter } from "../../scripts/reporter.ts";

test("a log gets every line that stays, and passing ones no more often than every 15 s", () => {
  const written: string[] = [];
  let now = 0;
  const reporter = new Reporter({ write: (text) => written.push(text) }, () => now);
  reporter.line("starts");
  for (now = 1000; now <= 40_000; now += 1000) reporter.passing(`${now / 1000} s`);
  reporter.clear();
  expect(written.join("")).toBe("starts\n15 s\n30 s\n");
});

test("a terminal shows the newest passing line below those that stay, and never a line that wraps", () => {
  const written: string[] = [];
  const reporter = new Reporter({ isTTY: true, columns: 11, write: (text) => written.push(text) });
  reporter.passing("one of many packages");
  reporter.line("stays");
  reporter.clear();
  const erase = "\r\u001b[2K";
  expect(written).toEqual(["one of man", erase, "stays\n", "one of man", erase]);
});

test.each([
  { seconds: 0.4, text: "0 s" },
  { seconds: 59.4, text: "59 s" },
  { seconds: 59.6, text: "1 min 00 s" },
  { seconds: 185, text: "3 min 05 s" },
])("$seconds seconds are $text", ({ seconds, text }) => {
  expect(describeSeconds(seconds)).toBe(text);
});
