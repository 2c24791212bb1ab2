import { expect, test } from "vitest";
import { hear } from "../../../../infra/provider/acme/renewal-heard.ts";

const at = (minutes: number) => new Date(Date.parse("2026-08-01T00:00:00Z") + minutes * 60_000);

test("an authority is not asked again for a certificate before the time that it has named (RFC 9773, section 4.3.2)", async () => {
  let asked = 0;
  const ask = async () => {
    asked += 1;
    return { window: { start: at(100), end: at(200) }, retryAfter: at(60 * asked) };
  };
  const first = await hear("a", at(0), ask);
  expect(await hear("a", at(59), ask)).toBe(first);
  expect(asked).toBe(1);
  await hear("b", at(59), ask);
  expect(asked).toBe(2);
  expect(await hear("a", at(60), ask)).not.toBe(first);
  expect(asked).toBe(3);
});

test("that it says nothing is asked about again", async () => {
  expect(await hear("c", at(0), async () => undefined)).toBeUndefined();
  const info = { window: { start: at(1), end: at(2) }, retryAfter: at(9) };
  expect(await hear("c", at(0), async () => info)).toBe(info);
});
