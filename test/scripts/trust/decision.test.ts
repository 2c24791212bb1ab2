import { expect, test } from "vitest";
import { type Decision, decide, type Said } from "../../../scripts/trust/decision.ts";

const key = (name: string) => ({ type: "ssh-ed25519", line: `ssh-ed25519 ${name}`, fingerprint: `SHA256:${name}` });
const [seen, old] = [key("seen"), key("old")];
const silent: Said = { fingerprints: [], yes: false, replace: false };

const notExpected: Decision = {
  kind: "refuse",
  why: "it shows    ssh-ed25519 SHA256:seen\nexpected is SHA256:old",
  remedy: "find out why before you trust it: somebody may be in between",
};
const notRecorded: Decision = {
  kind: "refuse",
  why: "it shows    ssh-ed25519 SHA256:seen\nrecorded is ssh-ed25519 SHA256:old",
  remedy:
    "if it was reinstalled, compare with its console, then say it again with --replace; if not, somebody may be in between",
};

test.each([
  { name: "first contact", pinned: [], said: silent, decision: { kind: "ask" } },
  { name: "first contact, --yes", pinned: [], said: { ...silent, yes: true }, decision: { kind: "record" } },
  { name: "first contact, --replace", pinned: [], said: { ...silent, replace: true }, decision: { kind: "ask" } },
  {
    name: "the right fingerprint",
    pinned: [],
    said: { ...silent, fingerprints: ["SHA256:seen"] },
    decision: { kind: "record" },
  },
  {
    name: "the wrong fingerprint",
    pinned: [],
    said: { ...silent, fingerprints: ["SHA256:old"] },
    decision: notExpected,
  },
  {
    name: "the wrong fingerprint beats --yes",
    pinned: [],
    said: { fingerprints: ["SHA256:old"], yes: true, replace: true },
    decision: notExpected,
  },
  { name: "recorded", pinned: [old, seen], said: silent, decision: { kind: "recorded already" } },
  {
    name: "recorded, but not expected",
    pinned: [seen],
    said: { ...silent, fingerprints: ["SHA256:old"] },
    decision: notExpected,
  },
  { name: "another is recorded", pinned: [old], said: silent, decision: notRecorded },
  { name: "another is recorded, --yes", pinned: [old], said: { ...silent, yes: true }, decision: notRecorded },
  {
    name: "another is recorded, right fingerprint",
    pinned: [old],
    said: { ...silent, fingerprints: ["SHA256:seen"] },
    decision: notRecorded,
  },
  {
    name: "another is recorded, --replace",
    pinned: [old],
    said: { ...silent, replace: true },
    decision: { kind: "ask" },
  },
  {
    name: "another is recorded, --replace --yes",
    pinned: [old],
    said: { ...silent, replace: true, yes: true },
    decision: { kind: "record" },
  },
])("$name: $decision.kind", ({ pinned, said, decision }) => {
  expect(decide(seen, pinned, said)).toEqual(decision);
});
