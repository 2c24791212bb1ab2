import { describe, expect, test } from "vitest";
import { accountPath } from "../../../../infra/provider/acme-values.ts";
import { accountOn, acmeAccount } from "../../../../infra/provider/resources/acme-account.ts";
import { checked } from "../checked.ts";
import { FakeHost } from "../fake-host.ts";

const directory = "https://ca.vendor.dk/dir";
const path = accountPath(directory);
const account = { directory, uri: "https://ca.vendor.dk/acct/1", contacts: ["drift@vendor.dk"], key: "-----BEGIN…" };
const want = checked(acmeAccount, { directory, termsAgreed: true }) as Parameters<typeof acmeAccount.plan>[0];
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
