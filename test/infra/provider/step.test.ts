import { expect, test } from "vitest";
import { act, LocalFile, run, write } from "../../../infra/provider/step.ts";

test("steps are plain data", () => {
  expect(run("start nginx", ["systemctl", "start", "nginx"], { deadline: 5, property: "running" })).toEqual({
    do: "run",
    title: "start nginx",
    argv: ["systemctl", "start", "nginx"],
    deadline: 5,
    property: "running",
  });
  const content = new LocalFile("motd", "ab");
  expect(write("write /etc/motd", { path: "/etc/motd", content, owner: "root", group: "root", mode: "0644" })).toEqual({
    do: "write",
    title: "write /etc/motd",
    path: "/etc/motd",
    content,
    owner: "root",
    group: "root",
    mode: "0644",
  });
});

test("an act is what it does, and the rest of it plain data", () => {
  const order = async () => undefined;
  expect(act("set a record", order, { property: "addresses", secret: true })).toEqual({
    do: "act",
    title: "set a record",
    act: order,
    property: "addresses",
    secret: true,
  });
});
