import { expect, test } from "vitest";
import { readOptions } from "../../../scripts/bench/options.ts";

const read = (...args: string[]) => readOptions(args, ["floor", "pyinfra"], "lab");

test("without words everything is compared, and nothing else is done", () => {
  const { compare, breakdown, growth, peers, works, problems, name, limit, budget } = read();
  expect({ compare, breakdown, growth, peers, works, problems, name, limit, budget }).toEqual({
    compare: true,
    breakdown: false,
    growth: false,
    peers: undefined,
    works: undefined,
    problems: [],
    name: "lab",
    limit: 240,
    budget: 60,
  });
});

test.each([
  { args: ["--breakdown"], compare: false, breakdown: true, growth: false },
  { args: ["--growth", "--peers", "floor"], compare: true, breakdown: false, growth: true },
  { args: ["--growth", "--hosts", "30", "--repeat", "1"], compare: false, breakdown: false, growth: true },
  { args: ["--all"], compare: true, breakdown: true, growth: true },
])("$args", ({ args, ...expected }) => {
  const { compare, breakdown, growth } = read(...args);
  expect({ compare, breakdown, growth }).toEqual(expected);
});

test("what nobody has is named with what is allowed, and the rest stays", () => {
  const options = read("--peers", "floor,puppet", "--work", "20,lots", "--cases", "nothing,all", "--delay", "80,fast");
  expect({ ...options, problems: undefined }).toMatchObject({
    peers: ["floor"],
    works: [20],
    cases: ["nothing"],
    delays: [{ name: "80", milliseconds: 80, loss: 0 }],
  });
  expect(options.problems).toEqual([
    'there is no peer "puppet"; allowed: floor, pyinfra',
    'there is no work "lots"; allowed: baseline, or a number of files from 1 to 9999',
    'there is no case "all"; allowed: first, nothing, change, drift',
    'there is no delay "fast"; allowed: milliseconds such as 0, 10 or 80, with loss such as 80-loss5',
  ]);
});

test("numbers of hosts are sorted, and bounded", () => {
  const { hosts, problems } = read("--growth", "--hosts", "10,1,99");
  expect(hosts).toEqual([1, 10]);
  expect(problems).toEqual(['there is no number of hosts "99"; allowed: 1 to 40']);
});

test.each(["--repeat", "--time-limit", "--budget"])("%s takes whole numbers alone", (option) => {
  expect(() => read(option, "fast")).toThrow(`${option} takes a whole number from 1 to 99999, not "fast"`);
});
