import { describe, expect, test } from "vitest";
import { emptyLedger, recordFailure } from "../../../../infra/provider/acme/ledger.ts";
import { Failure } from "../../../../infra/provider/failure.ts";
import { HostNotes } from "../../../../infra/provider/resources/acme-notes.ts";
import { NotedHost } from "../noted-host.ts";

const ledgerFile = "/var/lib/onprem/acme/ledger.json";
const folder = "/etc/onprem/tls";
const orderFile = "/var/lib/onprem/acme/order-etc%2Fonprem%2Ftls.json";
const directory = "https://ca.vendor.dk/dir";
const names = ["a.kommune.dk"];
const order = { directory, names, profile: "", presented: [{ name: "_acme-challenge.a.kommune.dk", value: "x" }] };

function noting(files?: Readonly<Record<string, string>>) {
  const host = new NotedHost(files);
  const said: string[] = [];
  return { host, said, notes: new HostNotes(host, (severity, line) => said.push(`${severity}: ${line}`)) };
}

test("what is kept is read again, and where nothing is, nothing was asked", async () => {
  const { notes, said } = noting();
  expect([await notes.ledger(), await notes.orderFor(folder).read()]).toEqual([emptyLedger, undefined]);
  const ledger = recordFailure(emptyLedger, names, new Date());
  await notes.record(() => ledger);
  await notes.orderFor(folder).keep(order);
  expect([await notes.ledger(), await notes.orderFor(folder).read()]).toEqual([ledger, order]);
  await notes.orderFor(folder).forget();
  expect(await notes.orderFor(folder).read()).toBeUndefined();
  expect(said).toEqual([]);
});

test("what several resources of a host note at a time is all kept", async () => {
  const host = new NotedHost();
  const inspect = host.inspect.bind(host);
  host.inspect = async (...words) => {
    await new Promise((resolve) => setTimeout(resolve, 5));
    return inspect(...words);
  };
  const each = ["a", "b", "c"].map((name) => [`${name}.kommune.dk`]);
  const resources = each.map(() => new HostNotes(host, () => undefined));
  const refused = resources[0]?.record(() => {
    throw new Error("no");
  });
  const work = resources.map((notes, index) =>
    notes.record((ledger, now) => recordFailure(ledger, each[index] ?? [], now)),
  );
  await expect(refused).rejects.toThrow("no");
  await Promise.all(work);
  expect((await resources[0]?.ledger())?.failures.map(({ names }) => names)).toEqual(each);
});

test("a ledger from before authorities' wishes were noted is read", async () => {
  const { waits: _, ...before } = emptyLedger;
  const { notes, said } = noting({ [ledgerFile]: JSON.stringify(before) });
  expect([await notes.ledger(), said]).toEqual([emptyLedger, []]);
});

describe("what is damaged holds up nothing and is lost for nobody", () => {
  test.each([
    ["an empty ledger", ledgerFile, ""],
    ["half a ledger", ledgerFile, JSON.stringify(emptyLedger).slice(0, 40)],
    ["a ledger of another version", ledgerFile, JSON.stringify({ ...emptyLedger, version: 2 })],
    ["a ledger without a part", ledgerFile, JSON.stringify({ ...emptyLedger, failures: undefined })],
    [
      "a ledger with a moment that is none",
      ledgerFile,
      JSON.stringify({ ...emptyLedger, accounts: [{ host: "x", at: "soon" }] }),
    ],
    ["half an order", orderFile, JSON.stringify(order).slice(0, 40)],
    ["an order without names", orderFile, JSON.stringify({ ...order, names: undefined })],
  ])("%s", async (_, path, content) => {
    const { notes, host, said } = noting({ [path]: content });
    const read = path === ledgerFile ? await notes.ledger() : await notes.orderFor(folder).read();
    expect(read).toEqual(path === ledgerFile ? emptyLedger : undefined);
    const [[aside = "", kept] = []] = [...host.files];
    expect([aside.replace(/\d{8}T\d{6}$/, "TIME"), kept]).toEqual([`${path}.damaged-TIME`, content]);
    expect(said).toHaveLength(1);
    expect(said[0]).toMatch(new RegExp(`^warning: ${path} on dev.example.dk is damaged.*${aside} now`));
    expect(said[0]).toContain(path === ledgerFile ? "may refuse" : "vendor's zone");
    // Once.
    if (path === ledgerFile) await notes.ledger();
    expect(said).toHaveLength(1);
  });
});

describe("what an authority is asked for", () => {
  test("counts where it fails, and fails all the same", async () => {
    const { notes } = noting();
    const failure = new Failure({ what: "x", why: "y" });
    const failing = () =>
      notes.counting({ directory, names }, async () => {
        throw failure;
      });
    await expect(failing()).rejects.toBe(failure);
    await expect(failing()).rejects.toBe(failure);
    expect((await notes.ledger()).failures).toMatchObject([{ names, count: 2 }]);
  });

  test("is not noted where it comes, or where we stopped", async () => {
    const { notes, host } = noting();
    expect(await notes.counting({ directory, names }, async () => 1)).toBe(1);
    const stopped = new DOMException("stopped", "AbortError");
    const stopping = notes.counting({ directory, names }, () => Promise.reject(stopped));
    await expect(stopping).rejects.toBe(stopped);
    expect(host.performed).toEqual([]);
  });

  test("fails as it failed, where that cannot be noted", async () => {
    const { notes, host } = noting();
    host.before = () => {
      throw new Error("the disk is full");
    };
    const failure = new Failure({ what: "x", why: "y" });
    await expect(notes.counting({ directory, names }, () => Promise.reject(failure))).rejects.toBe(failure);
  });
});
