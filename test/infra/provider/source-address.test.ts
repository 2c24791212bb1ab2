import { expect, test } from "vitest";
import { sourceAddress } from "../../../infra/provider/source-address.ts";

test("the way to a host names this machine's own address, in either family", async () => {
  expect([await sourceAddress("127.0.0.2"), await sourceAddress("::1")]).toEqual(["127.0.0.1", "::1"]);
});

test("a name that nobody has leads nowhere", async () => {
  expect(await sourceAddress("no-such-host.invalid")).toBeUndefined();
});
