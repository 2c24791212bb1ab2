import { beforeEach, describe, expect, test } from "vitest";
import { Failure } from "../../../infra/provider/failure.ts";
import { Cancelled, ConnectionLost } from "../../../infra/provider/host/errors.ts";
import type { Kind } from "../../../infra/provider/kind.ts";
import { admit, apply, destroy, Refused, Unfinished } from "../../../infra/provider/lifecycle.ts";
import { act, run } from "../../../infra/provider/step.ts";
import { type NoteSeen, NotesHost, type NoteWant, noteKind } from "./notes.ts";

let host: NotesHost;
beforeEach(() => {
  host = new NotesHost();
});

const want = (more: Partial<NoteWant> = {}): NoteWant => ({ note: "a", text: "hello", tags: [], ...more });
const hello = { note: "a", text: "hello", length: 5 };

async function thrown(work: Promise<unknown>): Promise<unknown> {
  return work.then(
    () => expect.unreachable("it did not fail"),
    (error: unknown) => error,
  );
}

describe("apply", () => {
  test("creates, then does nothing, then heals", async () => {
    expect(await apply(noteKind, host, want())).toEqual({ seen: hello, memory: { before: "" }, changed: ["write a"] });
    expect(await apply(noteKind, host, want())).toEqual({ seen: hello, memory: { before: "hello" }, changed: [] });
    host.notes.set("a", "by hand");
    expect(await apply(noteKind, host, want(), { memory: { before: "" }, ours: true })).toEqual({
      seen: hello,
      memory: { before: "" },
      changed: ["write a"],
    });
    expect(host.performed).toEqual([{ titles: ["write a"] }, { titles: ["write a"] }]);
  });

  test("takes the kind's guard", async () => {
    await apply(noteKind, host, want({ text: "risky" }));
    expect(host.performed).toEqual([{ titles: ["write a"], guard: "note" }]);
  });

  test("warns and goes on", async () => {
    const said: unknown[] = [];
    await apply(noteKind, host, want({ text: "odd" }), { say: (...words) => said.push(words) });
    expect(said).toEqual([["warning", "that is odd"]]);
  });

  test("refuses before anything is touched", async () => {
    const error = await thrown(apply(noteKind, host, want({ note: "holy" })));
    expect(error).toBeInstanceOf(Refused);
    expect((error as Failure).message).toBe("nothing was changed on dev.example.dk\n  it is holy\n  Take another.");
    expect(host.performed).toEqual([]);
  });

  test("a host that cannot be seen is left alone", async () => {
    host.blind = new Failure({ what: "no ssh", why: "no answer" });
    expect(await thrown(apply(noteKind, host, want()))).toBe(host.blind);
    expect(host.performed).toEqual([]);
  });

  test("what nobody keeps is a failure that says what is left to do", async () => {
    host.instead.set("write a", () => host.notes.set("a", "changed back"));
    const error = await thrown(apply(noteKind, host, want()));
    expect((error as Failure).message).toBe(
      "dev.example.dk still differs after write a\n  still to do: write a\n" +
        "  Something on the host changes it back, or refuses it silently; look there, then run the update again.",
    );
    expect(error).toMatchObject({ seen: { note: "a", text: "changed back", length: 12 }, begun: true });
  });

  const failed = new Failure({ what: "could not write a", why: "disk full", remedy: "Make room." });
  test.each([
    { what: "nothing stands there", left: undefined, error: failed, expected: { begun: false, seen: undefined } },
    {
      what: "half of it stands there",
      left: "hel",
      error: failed,
      expected: { begun: true, seen: { note: "a", text: "hel", length: 3 } },
    },
    {
      what: "we were told to stop",
      left: "hel",
      error: new Cancelled("dev"),
      expected: { begun: true, seen: undefined },
    },
    {
      what: "the connection is lost",
      left: "hel",
      error: new ConnectionLost({ what: "lost dev", why: "reset" }),
      expected: { begun: true, seen: undefined },
    },
  ])("a failed step after which $what", async ({ left, error, expected }) => {
    host.instead.set("write a", () => {
      if (left !== undefined) host.notes.set("a", left);
      throw error;
    });
    const unfinished = await thrown(apply(noteKind, host, want()));
    expect(unfinished).toBeInstanceOf(Unfinished);
    expect(unfinished).toMatchObject({
      ...expected,
      cause: error,
      explanation: error.explanation,
      memory: { before: "" },
    });
  });

  test("a last look that fails hides no failure", async () => {
    host.instead.set("write a", () => {
      host.blind = new Error("gone");
      throw failed;
    });
    expect(await thrown(apply(noteKind, host, want()))).toMatchObject({ cause: failed, begun: true, seen: undefined });
  });
});

describe("what is done from here", () => {
  const acting = (doing: () => void): Kind<NoteWant, NoteSeen, { before: string }> => ({
    ...noteKind,
    plan: (wanted, seen) => {
      const steps = noteKind.plan(wanted, seen);
      return steps.length === 0 ? [] : [act("order a", async () => doing()), ...steps];
    },
    remove: (seen, memory) => [act("cancel a", async () => doing()), ...noteKind.remove(seen, memory)],
  });

  test("comes in its place among the host's steps, is told as one of them, and is not done again where nothing is left to do", async () => {
    const before: (string | undefined)[] = [];
    const kind = acting(() => before.push(host.notes.get("a")));
    expect((await apply(kind, host, want())).changed).toEqual(["order a", "write a"]);
    expect((await apply(kind, host, want())).changed).toEqual([]);
    expect(await destroy(kind, host, want())).toEqual(["cancel a", "erase a"]);
    expect(before).toEqual([undefined, "hello"]);
  });

  test("fails as any step does: nothing after it is done, and what stands there is looked at", async () => {
    const failed = new Failure({ what: "could not order a", why: "sold out" });
    const kind = acting(() => {
      throw failed;
    });
    const unfinished = await thrown(apply(kind, host, want(), { secret: true }));
    expect(unfinished).toMatchObject({ cause: failed, begun: false, explanation: failed.explanation });
    expect(host.notes.size).toBe(0);
  });
});

describe("a creation of several steps", () => {
  // Half of it must not be taken over: it could be somebody else's.
  const pair: Kind<NoteWant, NoteSeen, { before: string }> = {
    ...noteKind,
    plan: (wanted, seen) => [
      ...(seen === undefined ? [run("begin a", ["write", "a", "half"])] : []),
      ...noteKind.plan(wanted, seen),
    ],
    refuse: (wanted, seen, ours) =>
      ours || seen === undefined || seen.text === wanted.text ? undefined : { why: "it is not ours" },
  };
  const killed = () =>
    host.instead.set("write a", () => {
      throw new ConnectionLost({ what: "lost dev", why: "killed" });
    });

  test("is noted on the host before its first step, and forgotten after its last", async () => {
    expect((await apply(pair, host, want())).changed).toEqual(["begin a", "write a"]);
    expect(host.performed.map(({ titles }) => titles)).toEqual([
      ["note what is begun", "begin a", "write a"],
      ["forget what was begun"],
    ]);
    expect(host.begun.size).toBe(0);
  });

  test("that was killed in between is gone on with by the next one, which knows what was there before", async () => {
    killed();
    await thrown(apply(pair, host, want()));
    expect([host.notes.get("a"), host.begun.size]).toEqual(["half", 1]);
    host.instead.clear();
    expect(await apply(pair, host, want())).toEqual({ seen: hello, memory: { before: "" }, changed: ["write a"] });
    expect(host.begun.size).toBe(0);
  });

  test("is refused where somebody else has left a half, be it another stack of ours", async () => {
    host.notes.set("a", "half");
    expect(await thrown(apply(pair, host, want()))).toBeInstanceOf(Refused);
    expect(host.performed).toEqual([]);
    host.notes.clear();
    killed();
    await thrown(apply(pair, host, want(), { urn: "urn:pulumi:dev::a::b::c" }));
    host.instead.clear();
    expect(await thrown(apply(pair, host, want(), { urn: "urn:pulumi:prod::a::b::c" }))).toBeInstanceOf(Refused);
    expect((await apply(pair, host, want(), { urn: "urn:pulumi:dev::a::b::c" })).changed).toEqual(["write a"]);
  });

  test("that failed is in the state, and so forgotten; out of reach it stays until the next change or removal", async () => {
    host.instead.set("write a", () => {
      throw new Failure({ what: "could not write a", why: "disk full" });
    });
    await thrown(apply(pair, host, want()));
    expect(host.begun.size).toBe(0);
    for (const settle of [
      () => apply(pair, host, want(), { ours: true }),
      () => apply(pair, host, want({ text: "half" }), { ours: true }),
      () => destroy(pair, host, want()),
    ]) {
      host.notes.clear();
      killed();
      await thrown(apply(pair, host, want()));
      expect(host.begun.size).toBe(1);
      host.instead.clear();
      await settle();
      expect(host.begun.size).toBe(0);
    }
  });

  test("under a guard is noted outside of it: what the guard undoes must not take the note along", async () => {
    await apply({ ...pair, guard: () => ({ name: "pair", files: [], restore: [] }) }, host, want());
    expect(host.performed).toEqual([
      { titles: ["note what is begun"] },
      { titles: ["begin a", "write a"], guard: "pair" },
      { titles: ["forget what was begun"] },
    ]);
  });

  test("needs no note where it is in the state already", async () => {
    await apply(pair, host, want(), { ours: true });
    expect(host.performed.map(({ titles }) => titles)).toEqual([["begin a", "write a"]]);
  });
});

test("admit looks at nothing and changes nothing", () => {
  admit(noteKind, host, want({ text: "odd" }), undefined, {});
  expect(() => admit(noteKind, host, want({ note: "holy" }), undefined, {})).toThrow(Refused);
});

describe("destroy", () => {
  test("removes what is there, once", async () => {
    host.notes.set("a", "hello");
    expect(await destroy(noteKind, host, want())).toEqual(["erase a"]);
    expect(await destroy(noteKind, host, want())).toEqual([]);
    expect(host.performed).toEqual([{ titles: ["erase a"] }]);
  });

  test("puts back what was there before us", async () => {
    host.notes.set("a", "hello");
    expect(await destroy(noteKind, host, want(), { memory: { before: "theirs" } })).toEqual(["put a back"]);
    expect(host.notes.get("a")).toBe("theirs");
  });
});
