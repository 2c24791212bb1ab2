import { beforeEach, describe, expect, test } from "vitest";
import { begunAt } from "../../../infra/provider/begun.ts";
import { Failure } from "../../../infra/provider/failure.ts";
import type { Say } from "../../../infra/provider/host/host.ts";
import { type Connector, Onprem } from "../../../infra/provider/onprem.ts";
import { type Creation, Incomplete, type Known, type Update } from "../../../infra/provider/plugin.ts";
import { type Bag, UNKNOWN } from "../../../infra/provider/values.ts";
import { NotesHost, noteKind } from "./notes.ts";

const type = noteKind.type;
const silent: Say = () => undefined;

let host: NotesHost;
let connector: Connector & { fails?: Error; signal?: AbortSignal };
let plugin: Onprem;

beforeEach(async () => {
  host = new NotesHost();
  connector = {
    check(given, problems) {
      if (given.host === undefined && !problems.isUnknown("host")) problems.add("host", "is required");
      return { port: 22, ...given };
    },
    async connect(_config, _say, signal) {
      connector.signal = signal;
      if (connector.fails !== undefined) throw connector.fails;
      return host;
    },
  };
  plugin = new Onprem("1.2.3", { [type]: async () => noteKind }, async () => connector);
});

const bag = (values: Record<string, unknown>, ...secrets: string[]): Bag => ({
  values,
  secrets: secrets.map((key) => [key]),
});
const connected = () => plugin.configure(bag({ host: "dev" }), silent);
const note = (text = "hello") => ({ note: "a", text, tags: [] });
const state = (text = "hello", before = "") => ({ ...note(text), length: text.length, memory: { before } });

const urn = `urn:pulumi:dev::test::${type}::mine`;
const creation = (inputs: Bag, more: Partial<Creation> = {}): Creation => ({
  urn,
  name: "mine",
  say: silent,
  timeout: 0,
  preview: false,
  inputs,
  ...more,
});
const known = (inputs: Bag, outputs: Bag, more: Partial<Known> = {}): Known => ({
  urn,
  name: "mine",
  say: silent,
  timeout: 0,
  id: "a",
  inputs,
  outputs,
  ...more,
});
const update = (oldInputs: Bag, inputs: Bag, outputs: Bag, more: Partial<Update> = {}): Update => ({
  ...known(inputs, outputs),
  oldInputs,
  preview: false,
  ...more,
});

async function thrown(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable("it did not fail"),
    (error: Error) => error,
  );
}

describe("configuration", () => {
  test.each([
    ["fills in defaults", bag({ host: "x" }), { inputs: bag({ port: 22, host: "x" }), problems: [] }],
    [
      "keeps what is secret",
      bag({ host: "x" }, "host"),
      { inputs: bag({ port: 22, host: "x" }, "host"), problems: [] },
    ],
    [
      "reports problems",
      bag({}),
      { inputs: bag({ port: 22 }), problems: [{ property: "host", reason: "is required" }] },
    ],
    ["waits for the unknown", bag({ host: UNKNOWN }), { inputs: bag({ port: 22, host: UNKNOWN }), problems: [] }],
  ])("%s", async (_, given, checked) => {
    expect(await plugin.checkConfig(given)).toEqual(checked);
  });

  test("that is not known yet connects to nothing, and changes say so", async () => {
    await plugin.configure(bag({ host: UNKNOWN }), silent);
    expect(connector.signal).toBeUndefined();
    expect((await plugin.create(type, creation(bag(note()), { preview: true }))).outputs.values).toEqual({
      ...note(),
      length: 5,
    });
    expect((await thrown(plugin.create(type, creation(bag(note()))))).message).toMatch(/^the host is not known yet\n/);
  });

  test("a host out of reach is the failure of a program's provider", async () => {
    connector.fails = new Failure({ what: "no ssh on dev", why: "no answer" });
    await plugin.checkConfig(bag({ host: "dev" }));
    expect(await thrown(connected())).toBe(connector.fails);
  });

  test("a host out of reach is told once in a refresh, and the state stays", async () => {
    connector.fails = new Failure({ what: "no ssh on dev", why: "no answer" });
    await connected();
    const read = () => plugin.read(type, known(bag(note()), bag(state())));
    const failure = await thrown(read());
    expect(failure.message).toContain(connector.fails?.message);
    expect(failure.message).toContain("add --run-program to the command");
    expect(await read()).toEqual({ id: "a", inputs: bag(note()), outputs: bag(state()) });
  });

  test("a host aside that is out of reach is a warning, in a program as in a refresh; only what is done there fails", async () => {
    for (const inProgram of [true, false]) {
      connector.fails = new Failure({ what: "no ssh on master", why: "no answer" });
      plugin = new Onprem("1.2.3", { [type]: async () => noteKind }, async () => connector);
      if (inProgram) await plugin.checkConfig(bag({ host: "master", aside: true }));
      const said: string[] = [];
      await plugin.configure(bag({ host: "master", aside: "true" }), (level, text) => said.push(`${level} ${text}`));
      expect(said).toEqual([
        "warning no ssh on master\n  no answer\nWhat this stack has there is left as it was; the rest of the run goes on.",
      ]);
      const read = await plugin.read(type, known(bag(note()), bag(state())));
      expect(read).toEqual({ id: "a", inputs: bag(note()), outputs: bag(state()) });
      expect((await plugin.create(type, creation(bag(note()), { preview: true }))).outputs.values).toMatchObject(
        note(),
      );
      expect((await thrown(plugin.create(type, creation(bag(note()))))).message).toContain("no ssh on master");
    }
  });

  test("cancelling ends the connection and whatever makes one", async () => {
    await connected();
    plugin.cancel();
    expect(host.closed).toBe(true);
    expect(connector.signal?.aborted).toBe(true);
  });
});

describe("check", () => {
  test("fills in defaults and keeps secrets and unknowns", async () => {
    expect(await plugin.check(type, bag({ note: "a", text: UNKNOWN, tags: ["x"] }, "tags"))).toEqual({
      inputs: bag({ note: "a", tags: ["x"], text: UNKNOWN }, "tags"),
      problems: [],
    });
  });

  test("refuses a secret where none may be", async () => {
    const { problems } = await plugin.check(type, bag({ note: "a", text: "hello" }, "note", "text"));
    expect(problems).toEqual([
      { property: "note", reason: "must not be a secret: on the host every account could read it" },
    ]);
  });

  test("shows no secret", async () => {
    const { problems } = await plugin.check(type, bag({ note: "a", text: ["s3cret"] }, "text"));
    expect(problems).toEqual([{ property: "text", reason: expect.stringMatching(/given: \[secret\]$/) }]);
  });

  test("names a type that is not there", async () => {
    await expect(plugin.check("onprem:test:Nothing", bag({}))).rejects.toThrow(
      "the plugin onprem has no onprem:test:Nothing\n  it has onprem:test:Note",
    );
  });
});

describe("diff", () => {
  test("warns of what stands, once a run", async () => {
    const said: unknown[] = [];
    const odd = {
      urn,
      name: "mine",
      say: (...words: unknown[]) => said.push(words),
      id: "a",
      oldInputs: bag(note("odd")),
    };
    for (let times = 0; times < 2; times++)
      await plugin.diff(type, { ...odd, inputs: bag(note("odd")), outputs: bag(state("odd")) });
    expect(said).toEqual([["warning", "that is odd"]]);
  });

  const diff = (oldInputs: object, inputs: object, outputs: object) =>
    plugin.diff(type, {
      urn,
      name: "mine",
      say: silent,
      id: "a",
      oldInputs: bag({ ...oldInputs }),
      inputs: bag({ ...inputs }),
      outputs: bag({ ...outputs }),
    });

  test.each([
    ["agreement", note(), note(), state(), [], []],
    ["another input", note(), note("new"), state(), [{ path: ["text"], change: "update" }], []],
    [
      "another identity replaces",
      note(),
      { ...note(), note: "b" },
      state(),
      [{ path: ["note"], change: "update" }],
      ["note"],
    ],
    ["the unknown", note(), { ...note(), text: UNKNOWN }, state(), [{ path: ["text"], change: "update" }], []],
    ["a host that differs", note(), note(), state("by hand"), [{ path: ["text"], change: "update" }], []],
    [
      "a refusal",
      { ...note(), note: "holy" },
      { ...note(), note: "holy" },
      { ...state(), note: "holy" },
      [{ path: ["require"], change: "update" }],
      [],
    ],
  ])("%s", async (_, oldInputs, inputs, outputs, differences, replaces) => {
    expect(await diff(oldInputs, inputs, outputs)).toEqual({ differences, replaces });
  });
});

describe("create", () => {
  beforeEach(connected);

  test("gives the state, and marks what derives from a secret", async () => {
    expect(await plugin.create(type, creation(bag(note(), "text")))).toEqual({
      id: "a",
      outputs: { values: state(), secrets: [["text"], ["length"], ["memory"]] },
    });
    expect(host.notes.get("a")).toBe("hello");
  });

  test.each([
    ["nothing there: what the kind foresees", undefined, note(), { ...note(), length: 5 }],
    ["agreement: what is there", "hello", note(), { ...note(), length: 5 }],
    ["not known yet: the inputs", undefined, { ...note(), text: UNKNOWN }, { ...note(), text: UNKNOWN }],
  ])("previews %s", async (_, there, inputs, outputs) => {
    if (there !== undefined) host.notes.set("a", there);
    expect(await plugin.create(type, creation(bag(inputs), { preview: true }))).toEqual({
      id: "",
      outputs: bag(outputs),
    });
    expect(host.performed).toEqual([]);
  });

  test.each([true, false])("says of which resource a refusal is (preview: %s)", async (preview) => {
    const error = await thrown(plugin.create(type, creation(bag({ ...note(), note: "holy" }), { preview })));
    expect(error).not.toBeInstanceOf(Incomplete);
    expect(error.message).toBe(
      'onprem:test:Note "mine": nothing was changed on dev.example.dk\n  it is holy\n  Take another.',
    );
  });

  test("previews what a killed run has begun as ours", async () => {
    host.notes.set("a", "half");
    const strict = {
      ...noteKind,
      refuse: (_: unknown, __: unknown, ours: boolean) => (ours ? undefined : { why: "theirs" }),
    };
    plugin = new Onprem("1.2.3", { [type]: async () => strict }, async () => connector);
    await connected();
    const preview = () => plugin.create(type, creation(bag(note()), { preview: true }));
    expect((await thrown(preview())).message).toContain("theirs");
    host.begun.set(begunAt(urn.replace("dev", "prod"), "a"), "{}");
    expect((await thrown(preview())).message, "begun by another stack").toContain("theirs");
    host.begun.set(begunAt(urn, "a"), "{}");
    expect((await preview()).outputs.values).toEqual({ ...note(), length: 5 });
  });

  test("that failed half-way leaves its state, with its secrets", async () => {
    host.instead.set("write a", () => {
      host.notes.set("a", "hel");
      throw new Failure({ what: "could not write a", why: "disk full" });
    });
    const error = await thrown(plugin.create(type, creation(bag(note(), "text"))));
    expect(error).toBeInstanceOf(Incomplete);
    expect(error.message).toBe('onprem:test:Note "mine": could not write a\n  disk full');
    expect(error).toMatchObject({
      id: "a",
      inputs: bag(note(), "text"),
      outputs: { values: state("hel"), secrets: [["text"], ["length"], ["memory"]] },
    });
  });

  test("that left nothing leaves no state", async () => {
    host.instead.set("write a", () => {
      throw new TypeError("no such thing");
    });
    const error = await thrown(plugin.create(type, creation(bag(note()))));
    expect(error).not.toBeInstanceOf(Incomplete);
    expect(error.message).toBe('onprem:test:Note "mine": the change failed\n  no such thing');
  });
});

describe("read", () => {
  beforeEach(connected);

  test("shows what is there in the inputs too, and keeps secrets and memory", async () => {
    host.notes.set("a", "by hand");
    expect(await plugin.read(type, known(bag(note(), "text"), bag(state("hello", "theirs"), "text")))).toEqual({
      id: "a",
      inputs: bag(note("by hand"), "text"),
      outputs: { values: state("by hand", "theirs"), secrets: [["text"], ["length"], ["memory"]] },
    });
  });

  test("what is gone is gone", async () => {
    expect(await plugin.read(type, known(bag(note()), bag(state())))).toBeUndefined();
  });

  test("imports by id, with the defaults of what the host does not tell", async () => {
    host.notes.set("a", "hello");
    expect(await plugin.read(type, known(bag({}), bag({})))).toEqual({
      id: "a",
      inputs: bag({ note: "a", text: "hello", tags: [] }),
      outputs: bag({ note: "a", text: "hello", tags: [], length: 5 }),
    });
    expect((await thrown(plugin.read(type, known(bag({}), bag({}), { id: "a b" })))).message).toMatch(
      /^onprem:test:Note "mine": "a b" is not an id of this type\n/,
    );
  });
});

describe("update", () => {
  beforeEach(async () => {
    await connected();
    host.notes.set("a", "hello");
  });
  const change = (text: string, more: Partial<Update> = {}) =>
    plugin.update(type, update(bag(note()), bag(note(text)), bag(state("hello", "theirs")), more));

  test("changes what differs and remembers what was there before us", async () => {
    expect(await change("new")).toEqual({ outputs: bag(state("new", "theirs")) });
    expect(host.notes.get("a")).toBe("new");
  });

  test.each([
    ["what the kind foresees", "longer", state("longer", "theirs")],
    ["what is there", "hello", state("hello", "theirs")],
  ])("previews %s", async (_, text, outputs) => {
    expect(await change(text, { preview: true })).toEqual({ outputs: bag(outputs) });
    expect(host.performed).toEqual([]);
  });

  test("that failed keeps what stands there, and the new inputs", async () => {
    host.instead.set("write a", () => {
      throw new Failure({ what: "could not write a", why: "disk full" });
    });
    expect(await thrown(change("new"))).toMatchObject({
      name: "Incomplete",
      id: "a",
      inputs: bag(note("new")),
      outputs: bag(state("hello", "theirs")),
    });
  });
});

test("remove puts back what was there before us, and may be said twice", async () => {
  await connected();
  host.notes.set("a", "hello");
  const remove = () => plugin.remove(type, known(bag(note()), bag(state("hello", "theirs"))));
  await remove();
  expect(host.notes.get("a")).toBe("theirs");
  host.notes.delete("a");
  await remove();
  expect(host.performed).toEqual([{ titles: ["put a back"] }]);
});

test("the schema names each resource", async () => {
  expect(JSON.parse(await plugin.schema())).toMatchObject({
    name: "onprem",
    version: "1.2.3",
    resources: { [type]: {} },
  });
});

/** A kind with something in it that can leave the program: what `prior` is for. */
test("what left the program in an update that failed is still looked for until one succeeds", async () => {
  const asked: unknown[] = [];
  const recording = {
    ...noteKind,
    observe: (...words: Parameters<typeof noteKind.observe>) => {
      asked.push(words[2]);
      return noteKind.observe(...words);
    },
  };
  plugin = new Onprem("1.2.3", { [type]: async () => recording }, async () => connector);
  await connected();
  host.notes.set("a", "old");
  host.instead.set("write a", () => {
    throw new Failure({ what: "could not write a", why: "disk full" });
  });
  const [old, wanted] = [note("old"), note("new")];
  const change = { ...known(bag(wanted), bag(state("old"))), oldInputs: bag(old, "text"), preview: false };
  const failed = (await thrown(plugin.update(type, change))) as Incomplete;
  expect(failed.outputs.values.unfinished).toEqual(old);
  expect(failed.outputs.secrets).toContainEqual(["unfinished"]);

  const read = await plugin.read(type, { ...known(failed.inputs, failed.outputs) });
  expect(asked.at(-1)).toEqual(old);
  expect(read?.outputs.values.unfinished).toEqual(old);

  host.instead.clear();
  const again = { ...known(bag(wanted), read?.outputs ?? bag({})), oldInputs: bag(wanted), preview: false };
  const { outputs } = await plugin.update(type, again);
  expect(asked.at(-1)).toEqual(old);
  expect(outputs.values).not.toHaveProperty("unfinished");
});
