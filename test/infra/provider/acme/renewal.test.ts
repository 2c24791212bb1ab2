import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type RenewalInfo, renewalOf } from "../../../../infra/provider/acme/renewal.ts";

const DAY = 86_400_000;
const HOUR = 3_600_000;
const start = new Date("2026-01-01T00:00:00Z");
const day = (days: number) => new Date(start.getTime() + days * DAY);
const lasting = (days: number) => ({ notBefore: start, notAfter: day(days) });
const seed = "urn:pulumi:prod::os2mo::acme:Certificate::os2mo";

function info(from: number, to: number, explanationUrl?: string): RenewalInfo {
  const window = { start: day(from), end: day(to) };
  return { window, retryAfter: day(0), ...(explanationUrl !== undefined && { explanationUrl }) };
}

describe("without a word of the authority", () => {
  test.each([
    {
      life: 90,
      due: 60,
      why: /^a third of its life is left at 2026-03-0[12] \d\d:\d\d UTC; it ends at 2026-04-01 00:00 UTC$/,
    },
    { life: 10, due: 20 / 3, why: /^a third of its life is left at / },
    { life: 6, due: 3, why: /^half of a life under 10 days is left at / },
    { life: 0.25, due: 0.125, why: /^half of a life under 10 days is left at / },
  ])("a life of $life days", ({ life, due, why }) => {
    const renewal = renewalOf(lasting(life), { now: day(0), seed });
    const early = day(due).getTime() - renewal.at.getTime();
    expect(early).toBeGreaterThanOrEqual(0);
    expect(early).toBeLessThanOrEqual(Math.min((life * DAY) / 100, DAY / 2) + 1000);
    expect(renewal).toMatchObject({ due: false, why: expect.stringMatching(why) });
    const { at } = renewal;
    const dueAt = (now: Date) => renewalOf(lasting(life), { now, seed, nextRunSeconds: 60 }).due;
    expect([dueAt(new Date(at.getTime() - 61_000)), dueAt(new Date(at.getTime() - 60_000)), dueAt(at)]).toEqual([
      false,
      true,
      true,
    ]);
  });

  test("that it could not be heard is told", () => {
    const unheard = "ca.vendor.dk does not listen";
    expect(renewalOf(lasting(90), { now: day(0), seed, unheard }).why).toMatch(
      /2026-04-01 00:00 UTC \(whether the authority wants it earlier is not known: ca\.vendor\.dk does not listen\)$/,
    );
  });

  test("what falls due before the next run is due now", () => {
    const { at } = renewalOf(lasting(90), { now: day(0), seed });
    const now = new Date(at.getTime() - 23 * HOUR);
    expect(renewalOf(lasting(90), { now, seed }).due).toBe(true);
    expect(renewalOf(lasting(90), { now, seed, nextRunSeconds: 3600 }).due).toBe(false);
  });

  test("one of a few hours is not renewed by each run of the night", () => {
    expect(renewalOf(lasting(0.25), { now: day(0.01), seed }).due).toBe(false);
    expect(renewalOf(lasting(0.25), { now: day(0.1), seed }).due).toBe(true);
  });

  test("one that has expired is due, and is told so", () => {
    expect(renewalOf(lasting(90), { now: day(90), seed })).toMatchObject({
      due: true,
      why: "it expired at 2026-04-01 00:00 UTC",
    });
  });
});

describe("within the authority's window", () => {
  test("a moment that stays, and is told", () => {
    const asked = { info: info(60, 62), now: day(30), seed };
    const { due, at, why } = renewalOf(lasting(90), asked);
    const minute = at.toISOString().slice(0, 16).replace("T", " ");
    expect({ due, why }).toEqual({
      due: false,
      why: `the authority asks for renewal between 2026-03-02 00:00 UTC and 2026-03-04 00:00 UTC; by chance it is ${minute} UTC`,
    });
    expect(renewalOf(lasting(90), { ...asked, now: day(31) }).at).toEqual(at);
    expect(renewalOf(lasting(90), { ...asked, seed: "another" }).at).not.toEqual(at);
    expect(renewalOf(lasting(90), { ...asked, info: info(60, 62.001) }).at).not.toEqual(at);
  });

  test("a window that is past, for one that is to be revoked", () => {
    expect(renewalOf(lasting(90), { info: info(-2, -1, "https://ca.example/why"), now: day(1), seed })).toMatchObject({
      due: true,
      why: expect.stringContaining("(it says why at https://ca.example/why); by chance it is 2025-12-3"),
    });
  });

  test("a window after the end does not let it expire", () => {
    const { at, due, why } = renewalOf(lasting(60), { info: info(70, 80), now: day(20), seed });
    expect({ at, due }).toEqual({ at: day(50), due: false });
    expect(why).toContain("which is too near to the end, 2026-03-02 00:00 UTC");
  });

  test("every moment is within it, and as likely as another", () => {
    fc.assert(
      fc.property(fc.string(), fc.double({ min: 0.01, max: 10, noNaN: true }), (word, length) => {
        const { at } = renewalOf(lasting(90), { info: info(60, 60 + length), now: day(0), seed: word });
        expect(at.getTime()).toBeGreaterThanOrEqual(day(60).getTime());
        expect(at.getTime()).toBeLessThan(day(60 + length).getTime());
      }),
    );
    const tenths = Array.from({ length: 10 }, () => 0);
    for (let index = 0; index < 5000; index += 1) {
      const { at } = renewalOf(lasting(90), { info: info(60, 70), now: day(0), seed: `seed ${index}` });
      const tenth = Math.floor((at.getTime() - day(60).getTime()) / DAY);
      tenths[tenth] = (tenths[tenth] ?? 0) + 1;
    }
    // The words are fixed, so the counts are; a fair share is 500.
    expect(Math.min(...tenths)).toBeGreaterThan(400);
    expect(Math.max(...tenths)).toBeLessThan(600);
  });
});
