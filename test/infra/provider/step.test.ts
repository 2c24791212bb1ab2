import { expect, test } from "vitest";
import { LocalFile, run, write } from "../../../infra/provider/step.ts";

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
