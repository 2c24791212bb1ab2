import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { toldWhile } from "../../../../infra/provider/host/long-step.ts";

test("work that ends soon is not told of, and its result and its failure come through", async () => {
  const told: number[] = [];
  const tell = async (seconds: number) => void told.push(seconds);
  expect(await toldWhile(Promise.resolve("done"), tell)).toBe("done");
  await expect(toldWhile(Promise.reject(new Error("no")), tell)).rejects.toThrow("no");
  expect(told).toEqual([]);
});

test("work that goes on is told of, again and again, whatever becomes of the telling, and not after its end", async () => {
  let told = 0;
  const tell = async () => {
    told += 1;
    throw new Error("nobody listens");
  };
  const work = Promise.withResolvers<void>();
  const waiting = toldWhile(work.promise, tell, { first: 0.01, next: 0.01 });
  await expect.poll(() => told).toBeGreaterThan(1);
  work.resolve();
  await waiting;
  const before = told;
  await sleep(50);
  expect(told).toBe(before);
});
