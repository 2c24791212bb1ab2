import { expect, test } from "vitest";
import type { PortAnswer } from "../../../lab/probe.ts";
import { findWrong, isLetIn } from "../../../scripts/start/outside-view.ts";

const open = { management: ["198.18.1.64/26", "2001:2:0:11::/64"], internal: ["198.18.1.128/27", "2001:2:0:12::9"] };

test.each([
  { source: "198.18.1.70", letIn: [22] },
  { source: "198.18.1.140", letIn: [80, 443] },
  { source: "198.18.1.170", letIn: [] },
  { source: "2001:2:0:11::70", letIn: [22] },
  { source: "2001:2:0:12::9", letIn: [80, 443] },
  { source: "2001:2:0:12::a", letIn: [] },
])("NET-1, Q-SRV-5: $source is let in at $letIn", ({ source, letIn }) => {
  const ports = [22, 80, 443, 8080, 4505];
  expect(ports.filter((port) => isLetIn(open, source, port))).toEqual(letIn);
});

const view = (source: string, answers: Record<number, PortAnswer>) => ({
  from: "somebody",
  source,
  target: "198.18.1.11",
  answers: new Map(Object.entries(answers).map(([port, answer]) => [Number(port), answer])),
});

test.each([
  { source: "198.18.1.70", answers: { 22: "open", 80: "filtered" }, wrong: [] },
  { source: "198.18.1.140", answers: { 22: "filtered", 80: "refused", 443: "open" }, wrong: [] },
  { source: "198.18.1.170", answers: { 22: "filtered", 80: "filtered" }, wrong: [] },
  {
    source: "198.18.1.170",
    answers: { 22: "open", 80: "refused" },
    wrong: ["somebody 198.18.1.170 must get no answer from 198.18.1.11 at 22 (open), 80 (refused)"],
  },
  {
    source: "198.18.1.70",
    answers: { 22: "refused", 5432: "refused" },
    wrong: [
      "somebody 198.18.1.70 must get no answer from 198.18.1.11 at 5432 (refused)",
      "somebody 198.18.1.70 must reach 198.18.1.11 at 22 (refused)",
    ],
  },
] as const)("$source sees $answers", ({ source, answers, wrong }) => {
  expect(findWrong(open, view(source, answers))).toEqual(wrong);
});
