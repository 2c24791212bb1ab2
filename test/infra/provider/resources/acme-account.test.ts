import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { newAccountKey } from "../../../../infra/provider/acme/authority.ts";
import type { Ledger } from "../../../../infra/provider/acme/ledger.ts";
import { type AccountFile, accountPath } from "../../../../infra/provider/acme-values.ts";
import { accountOn, acmeAccount } from "../../../../infra/provider/resources/acme-account.ts";
import { type Behaviour, fakeAuthority, problem } from "../acme/fake-authority.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";
import { NotedHost } from "../noted-host.ts";

const directory = "https://ca.vendor.dk/dir";
const path = accountPath(directory);
const account = { directory, uri: "https://ca.vendor.dk/acct/1", contacts: ["drift@vendor.dk"], key: "-----BEGIN…" };
const want = checked(acmeAccount, { directory, contacts: account.contacts, termsAgreed: true }) as Parameters<
  typeof acmeAccount.plan
>[0];
const host = (more: object = {}) =>
  new FakeHost({ paths: { [path]: { content: JSON.stringify(account), mode: "0600", ...more } } });

describe("check", () => {
  test.each([
    [{ directory: "http://ca.vendor.dk/dir" }, "directory"],
    [{ termsAgreed: false }, "termsAgreed"],
    [{ contacts: ["nobody"] }, "contacts"],
    [{ roots: "x" }, "roots"],
    [{ externalAccount: { kid: "", hmacKey: "AA" } }, "externalAccount"],
  ])("%j", (more, property) => {
    const found = checked(acmeAccount, { directory, termsAgreed: true, ...more }) as unknown as { property: string }[];
    expect(found.map((problem) => problem.property.replace(/[[.].*/, ""))).toEqual([property]);
  });
});

test("each authority has a file of its own, by its whole address", () => {
  expect(path).toMatch(/^\/etc\/onprem\/acme\/ca\.vendor\.dk-[0-9a-f]{8}\.json$/);
  expect(accountPath("https://ca.vendor.dk/other")).not.toBe(path);
  expect(accountPath("https://ca.vendor.dk:8443/dir")).not.toBe(path);
});

test("is seen by its address and contacts, and never by its key", async () => {
  const seen = await acmeAccount.observe(host(), want);
  expect(seen).toEqual({ directory, uri: account.uri, contacts: account.contacts, guarded: true });
  expect(await acmeAccount.observe(new FakeHost({ paths: { [path]: null } }), want)).toBeUndefined();
});

test("one that is there is left alone; a file that others can read is closed; one that is not there is asked for", async () => {
  const seen = await acmeAccount.observe(host(), want);
  const open = await acmeAccount.observe(host({ mode: "0644" }), want);
  const titles = (now: typeof seen) =>
    acmeAccount.plan(want, now).map(({ title, property }) => `${title}: ${property}`);
  expect(titles(seen)).toEqual([]);
  expect(titles(open)).toEqual([`make ${path} root's alone: guarded`]);
  expect(titles(undefined)).toEqual(["get an account at ca.vendor.dk: directory"]);
});

test("a certificate without an account says which one is missing", async () => {
  expect(await accountOn(host(), directory)).toEqual(account);
  await expect(accountOn(new FakeHost({ paths: { [path]: null } }), directory)).rejects.toThrow(
    `there is no account at ${directory}`,
  );
});

describe("getting one from an authority", () => {
  const ledgerFile = "/var/lib/onprem/acme/ledger.json";
  const external = { "key-1": Buffer.from("a secret of thirty-two bytes ...").toString("base64url") };
  const eab = { kid: "key-1", hmacKey: external["key-1"] };

  // Whoever runs this may sit behind a proxy, which does not know this machine's own address.
  beforeEach(() => {
    vi.stubEnv("NO_PROXY", "localhost,127.0.0.1");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  async function world(behaviour: Behaviour = {}, more: object = {}) {
    const fake = await fakeAuthority(behaviour);
    const host = new NotedHost();
    const said: string[] = [];
    const given = { directory: fake.directory, roots: fake.roots, termsAgreed: true, ...more };
    const want = checked(acmeAccount, given) as Parameters<typeof acmeAccount.plan>[0];
    const file = accountPath(fake.directory);
    /** As `pulumi up` does. */
    const up = async () => {
      for (const step of acmeAccount.plan(want, await acmeAccount.observe(host, want))) {
        if (step.do !== "act") throw new Error(`not expected: ${step.title}`);
        await step.act({ host, say: (_, line) => said.push(line), signal: new AbortController().signal });
      }
      return acmeAccount.observe(host, want);
    };
    return {
      ...{ fake, host, said, want, file, up },
      kept: () => JSON.parse(host.files.get(file) ?? "{}") as Partial<AccountFile>,
      ledger: () => JSON.parse(host.files.get(ledgerFile) ?? "{}") as Ledger,
      /** How often an account was asked for, without the looks for one. */
      asked: () =>
        fake.asked.filter(({ path, payload }) => {
          return path === "/account" && (payload as { onlyReturnExisting?: true }).onlyReturnExisting !== true;
        }).length,
      [Symbol.asyncDispose]: () => fake[Symbol.asyncDispose](),
    };
  }

  test("its key stands on the host before the authority hears of it", async () => {
    const at: Partial<AccountFile>[] = [];
    await using here = await world({
      before: ({ path }) => {
        if (path === "/account") at.push(here.kept());
        return undefined;
      },
    });
    const seen = await here.up();
    expect(at).toEqual([{ directory: here.fake.directory, contacts: [], key: here.kept().key }]);
    expect(seen).toEqual({
      directory: here.fake.directory,
      contacts: [],
      uri: expect.stringContaining("/account/"),
      guarded: true,
    });
    const files = here.host.performed.flatMap(({ steps }) => steps.filter((step) => step.do === "write"));
    const modes = files
      .filter(({ path }) => path === here.file)
      .map(({ mode, owner, secret }) => [mode, owner, secret]);
    expect(modes).toEqual(Array.from({ length: 2 }, () => ["0600", "root", true]));
    expect(here.ledger().accounts).toEqual([]);
    expect((await accountOn(here.host, here.fake.directory)).uri).toBe(seen?.uri);
  });

  test.each([
    ["a public one", {}, {}],
    ["one that is bound elsewhere", { external, meta: { externalAccountRequired: true } }, { externalAccount: eab }],
  ])("a run that is killed after the authority has made it loses none: %s", async (_, behaviour, more) => {
    await using here = await world(behaviour, more);
    here.host.before = (step) => {
      if (step.do === "write" && step.path === here.file && String(step.content).includes('"uri"')) {
        throw new Error("killed");
      }
    };
    await expect(here.up()).rejects.toThrow("killed");
    const { key } = here.kept();
    expect(key).toContain("PRIVATE KEY");
    expect(await acmeAccount.observe(here.host, here.want)).toBeUndefined();
    await expect(accountOn(here.host, here.fake.directory)).rejects.toThrow("has a key, and the authority has not");
    here.host.before = () => undefined;
    const seen = await here.up();
    expect([here.kept().key, here.asked()]).toEqual([key, 1]);
    expect(here.said).toEqual([`going on with the account that a run before has got: ${seen?.uri}`]);
  });

  test("a run that is killed before the authority hears of it leaves the key for the next", async () => {
    await using here = await world();
    const pending = { directory: here.fake.directory, contacts: [], key: newAccountKey() };
    here.host.files.set(here.file, JSON.stringify(pending));
    const seen = await here.up();
    expect(here.kept()).toEqual({ ...pending, uri: seen?.uri });
    expect(here.asked()).toBe(1);
  });

  test("other contacts are the same account's: the authority is told of them, before the file says so", async () => {
    await using here = await world({}, { contacts: ["old@vendor.dk"] });
    const seen = await here.up();
    const { key } = here.kept();
    Object.assign(here.want, { contacts: ["new@vendor.dk"] });
    expect(acmeAccount.plan(here.want, seen).map(({ property }) => property)).toEqual(["contacts"]);
    expect(await here.up()).toEqual({ ...seen, contacts: ["new@vendor.dk"] });
    expect([here.kept().key, here.asked()]).toEqual([key, 1]);
    const told = here.fake.asked.at(-1);
    expect([told?.path, told?.payload]).toEqual([
      new URL(seen?.uri ?? "").pathname,
      { contact: ["mailto:new@vendor.dk"] },
    ]);
    expect(acmeAccount.plan(here.want, await acmeAccount.observe(here.host, here.want))).toEqual([]);
    Object.assign(here.want, { contacts: [] });
    await here.up();
    expect(here.fake.asked.at(-1)?.payload).toEqual({ contact: [] });
  });

  test("other contacts than those of a run that was killed are told to the account that it has got", async () => {
    await using here = await world({}, { contacts: ["old@vendor.dk"] });
    await here.up();
    const { uri: _, ...pending } = here.kept();
    here.host.files.set(here.file, JSON.stringify(pending));
    Object.assign(here.want, { contacts: ["new@vendor.dk"] });
    expect(await here.up()).toMatchObject({ contacts: ["new@vendor.dk"] });
    expect(here.asked()).toBe(1);
    expect(here.fake.asked.at(-1)?.payload).toEqual({ contact: ["mailto:new@vendor.dk"] });
  });

  test("an authority that has asked to wait is left alone by the next run, also by one that somebody forces", async () => {
    const limited = problem(429, "rateLimited", "too many");
    await using here = await world({
      before: ({ path }) => (path === "/account" ? { ...limited, headers: { "retry-after": "3600" } } : undefined),
    });
    await expect(here.up()).rejects.toThrow("rateLimited: too many");
    const asked = here.fake.asked.length;
    await expect(here.up()).rejects.toThrow(/did not ask .* for an account\n.*it asked to wait until/);
    vi.stubEnv("ONPREM_FORCE_CERTIFICATE", "1");
    await expect(here.up()).rejects.toThrow("it asked to wait until");
    expect(here.fake.asked.length).toBe(asked);
  });

  test("after a failure the next run waits a minute, unless somebody forces it; with the account that is over", async () => {
    let refusals = 1;
    await using here = await world({
      before: ({ path }) =>
        path === "/account" && refusals-- > 0 ? problem(403, "unauthorized", "not you") : undefined,
    });
    await expect(here.up()).rejects.toThrow("unauthorized: not you");
    const asked = here.fake.asked.length;
    await expect(here.up()).rejects.toThrow(`the last try for ${here.fake.directory} failed`);
    expect(here.fake.asked.length).toBe(asked);
    vi.stubEnv("ONPREM_FORCE_CERTIFICATE", "1");
    expect(await here.up()).toMatchObject({ guarded: true });
    expect(here.ledger().failures).toEqual([]);
  });

  test("what is damaged is told by its path, without what is in it", async () => {
    await using here = await world();
    here.host.files.set(here.file, '{"key": "s3cr3t"');
    const failed = await here.up().catch((error: unknown) => String(error));
    expect(failed).toContain(`${here.file} on dev.example.dk is damaged`);
    expect(failed).not.toContain("s3cr3t");
  });
});
