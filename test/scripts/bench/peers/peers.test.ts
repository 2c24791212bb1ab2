import { expect, test } from "vitest";
import { scriptOf } from "../../../../scripts/bench/growth.ts";
import { configuration } from "../../../../scripts/bench/peers/ansible.ts";
import { python } from "../../../../scripts/bench/peers/pyinfra.ts";
import { peers } from "../../../../scripts/bench/peers.ts";
import { pythonPackages } from "../../../../scripts/bench/python-packages.ts";

test("peers have names of their own, and say how they are used", () => {
  expect(new Set(peers.map(({ name }) => name)).size).toBe(peers.length);
  for (const { setup } of peers) expect(setup).toMatch(/\.$/);
});

test("every Python package is pinned to one version", () => {
  for (const one of Object.values(pythonPackages).flat()) expect(one).toMatch(/^[a-z-]+==\d+(\.\d+)+$/);
});

test("Ansible is tuned, and pins host keys", () => {
  const lines = configuration("/k", "/id", undefined).split("\n");
  expect(lines).toContain("pipelining = True");
  expect(lines).toContain("gathering = explicit");
  expect(lines).toContain("host_key_checking = True");
  expect(lines).toContain("ssh_args = -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=/k");
  expect(lines.filter((line) => line.startsWith("strategy"))).toEqual([]);
});

test("with Mitogen its strategy is taken", () => {
  expect(configuration("/k", "/id", "/m/strategy").split("\n")).toEqual(
    expect.arrayContaining(["strategy_plugins = /m/strategy", "strategy = mitogen_linear"]),
  );
});

test.each([
  [true, "True"],
  ["a 'b' \"c\"", '"a \'b\' \\"c\\""'],
  [["x", 1, false], '["x", 1, False]'],
  [{ _sudo: true, key: "k" }, '{"_sudo": True, "key": "k"}'],
])("%j as Python writes it", (value, text) => {
  expect(python(value)).toBe(text);
});

test("a call as a script keeps its words whole, and only what is the engine's own of its environment", () => {
  const env = { PATH: "/bin", PULUMI_HOME: "/a b", BENCH_PROGRAM: "it's" };
  expect(scriptOf(["pulumi", "up", "x y"], env, "/c d")).toBe(
    "cd '/c d'\nexport PULUMI_HOME='/a b'\nexport BENCH_PROGRAM='it'\\''s'\nexec 'pulumi' 'up' 'x y'\n",
  );
});
