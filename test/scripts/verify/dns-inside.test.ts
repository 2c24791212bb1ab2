import { expect, test } from "vitest";
import type { Exchange } from "../../../infra/provider/dns/exchange.ts";
import { type Entered, InsideView } from "../../../scripts/verify/dns-inside.ts";

const exchange: Exchange = () => Promise.reject(new Error("nobody asks in this test"));

/** Servers as they are found one after another: there or not. */
function found(...there: boolean[]) {
  const log: string[] = [];
  const view = new InsideView(async (first): Promise<Entered> => {
    log.push(`enter${first ? " first" : ""}`);
    const close = async () => {
      log.push("close");
    };
    const account = "https://ca.test/acct/1";
    return there.shift()
      ? { account, inside: { exchange, resolvers: [] }, close }
      : { account: undefined, why: "no answer", close };
  });
  return { view, log };
}

const seen = async ({ inside, account, why }: Entered) => [inside !== undefined, account, why];
/** What happens when the connection is lost: no answer of a name server, but an error. */
const failing = async ({ inside, account, why }: Entered) => {
  if (inside !== undefined) throw new Error("the connection was lost");
  return [false, account, why];
};

test("a server that goes away ends nothing: that round is done without it, and the next one enters it again", async () => {
  const { view, log } = found(true, false, true);
  const account = "https://ca.test/acct/1";
  expect(await view.through(seen)).toEqual([true, account, undefined]);
  expect(await view.through(seen)).toEqual([true, account, undefined]);
  expect(await view.through(failing)).toEqual([false, account, "the connection was lost"]);
  expect(await view.through(seen)).toEqual([false, undefined, "no answer"]);
  expect(await view.through(seen)).toEqual([true, account, undefined]);
  await view[Symbol.asyncDispose]();
  expect(log).toEqual(["enter first", "close", "enter", "close", "enter", "close"]);
});

test("what fails without the server is an error", async () => {
  const { view } = found(false);
  await expect(view.through(() => Promise.reject(new Error("no resolver")))).rejects.toThrow("no resolver");
});
