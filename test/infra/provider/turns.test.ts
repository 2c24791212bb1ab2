import { expect, test } from "vitest";
import { Turns } from "../../../infra/provider/turns.ts";

test("one after the other, in order; what fails tells its own caller, and holds nobody up", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const work = (name: string, milliseconds: number) => async () => {
    done.push(`${name} begins`);
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    done.push(`${name} ends`);
    if (name === "b") throw new Error("b fell");
    return name;
  };
  const all = await Promise.allSettled([turns.take(work("a", 20)), turns.take(work("b", 1)), turns.take(work("c", 1))]);
  expect(all.map((one) => (one.status === "fulfilled" ? one.value : one.reason.message))).toEqual(["a", "b fell", "c"]);
  expect(done).toEqual(["a begins", "a ends", "b begins", "b ends", "c begins", "c ends"]);
});
