import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  accountRefusal,
  backoff,
  emptyLedger,
  type Ledger,
  recordAccount,
  recordCertificate,
  recordFailedAuthorization,
  recordFailure,
  recordOrder,
  recordWait,
  refusal,
  registeredDomain,
} from "../../../../infra/provider/acme/ledger.ts";
import { ledgerSchema } from "../../../../infra/provider/acme/ledger-file.ts";
import { allowedFrom } from "../../../../infra/provider/acme/limits.ts";

const directory = "https://acme-v02.api.letsencrypt.org/directory";
const start = Date.parse("2026-08-01T00:00:00Z");
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const at = (minutes: number) => new Date(start + minutes * MINUTE);
const names = ["os2mo.kommune.dk", "Keycloak.kommune.dk"];
const same = ["keycloak.kommune.dk", "os2mo.kommune.dk"];

/** The ledger after so many times the same. */
function times(count: number, record: (ledger: Ledger, index: number) => Ledger): Ledger {
  return Array.from({ length: count }).reduce<Ledger>((ledger, _, index) => record(ledger, index), emptyLedger);
}

describe("Let's Encrypt's limits", () => {
  test("five certificates for the same names, and one more after 34 hours", () => {
    const ledger = times(5, (before, index) => recordCertificate(before, { directory, names }, at(index)));
    const before = times(4, (made, index) => recordCertificate(made, { directory, names }, at(index)));
    expect(refusal(before, { directory, names: same }, at(5))).toBeUndefined();
    expect(refusal(ledger, { directory, names: same }, at(5))).toEqual({
      why: "Let's Encrypt would refuse: it allows 5 certificates for exactly keycloak.kommune.dk, os2mo.kommune.dk at once and one more every 34 hours",
      until: new Date(start + 34 * HOUR),
    });
    expect(refusal(ledger, { directory, names: same }, new Date(start + 34 * HOUR))).toBeUndefined();
  });

  test.each([
    { what: "other names", asked: { directory, names: ["os2mo.kommune.dk"] } },
    { what: "what replaces one (ARI)", asked: { directory, names, replaces: "a.b" } },
    { what: "an authority whose limits nobody wrote down", asked: { directory: "https://ca.example/dir", names } },
    {
      what: "the test authority",
      asked: { directory: "https://acme-staging-v02.api.letsencrypt.org/directory", names },
    },
  ])("do not hold for $what", ({ asked }) => {
    const ledger = times(5, (before) => recordCertificate(before, { directory, names }, at(0)));
    expect(refusal(ledger, asked, at(5))).toBeUndefined();
  });

  test("what replaced one counts for nothing", () => {
    const ledger = times(60, (before) => recordCertificate(before, { directory, names, replaces: "a.b" }, at(0)));
    expect(refusal(ledger, { directory, names }, at(5))).toBeUndefined();
  });

  test("fifty certificates in a registered domain, except for renewals of the same names", () => {
    const ledger = times(50, (before, index) =>
      recordCertificate(before, { directory, names: [`host${index}.kommune.dk`] }, at(0)),
    );
    expect(refusal(ledger, { directory, names: ["new.kommune.dk", "new.example.dk"] }, at(5))).toEqual({
      why: "Let's Encrypt would refuse: it allows 50 certificates for names in kommune.dk at once and one more every 202 minutes",
      until: at(202),
    });
    expect(refusal(ledger, { directory, names: ["new.example.dk"] }, at(5))).toBeUndefined();
    expect(refusal(ledger, { directory, names: ["host7.kommune.dk"] }, at(5))).toBeUndefined();
    // The renewal takes nothing from the others.
    const renewed = recordCertificate(ledger, { directory, names: ["host7.kommune.dk"] }, at(5));
    expect(refusal(renewed, { directory, names: ["new.kommune.dk"] }, at(202))).toBeUndefined();
  });

  test("300 orders of an account", () => {
    const ledger = times(300, (before, index) => recordOrder(before, { directory, names: [`host${index}.dk`] }, at(0)));
    expect(refusal(ledger, { directory, names: ["new.dk"] }, at(0))).toEqual({
      why: "Let's Encrypt would refuse: it allows 300 orders of one account at once and one more every 36 s",
      until: new Date(start + 36_000),
    });
  });

  test("five failed authorizations of a name, also for its wildcard", () => {
    const ledger = times(5, (before) => recordFailedAuthorization(before, { directory, name: "Kommune.dk" }, at(0)));
    const refused = {
      why: "Let's Encrypt would refuse: it allows 5 failed authorizations of kommune.dk at once and one more every 12 minutes",
      until: at(12),
    };
    expect(refusal(ledger, { directory, names: ["kommune.dk"] }, at(1))).toEqual(refused);
    expect(refusal(ledger, { directory, names: ["*.kommune.dk"], force: true }, at(1))).toEqual(refused);
    expect(refusal(ledger, { directory, names: ["kommune.dk"] }, at(12))).toBeUndefined();
  });

  test("failures in a row until it stops, and a certificate that ends them", () => {
    const ledger = times(1152, (before, index) =>
      recordFailedAuthorization(before, { directory, name: "kommune.dk" }, at(index * 1440)),
    );
    const now = at(1153 * 1440);
    const asked = { directory, names: ["kommune.dk"] };
    expect(refusal(ledger, asked, now)).toEqual({ why: expect.stringContaining("has paused it"), until: undefined });
    expect(refusal(recordCertificate(ledger, asked, now), asked, now)).toBeUndefined();
  });

  test("ten accounts", () => {
    const ledger = times(10, (before) => recordAccount(before, directory, at(0)));
    expect(accountRefusal(ledger, { directory, force: true }, at(1))).toEqual({
      why: "Let's Encrypt would refuse: it allows 10 new accounts from one address at once and one more every 18 minutes",
      until: at(18),
    });
    expect(accountRefusal(ledger, { directory }, at(18))).toBeUndefined();
    expect(accountRefusal(ledger, { directory: "https://ca.example/dir" }, at(1))).toBeUndefined();
  });
});

describe("after failures in a row", () => {
  test.each([
    { failures: 1, minutes: 1 },
    { failures: 2, minutes: 10 },
    { failures: 3, minutes: 100 },
    { failures: 4, minutes: 1200 },
    { failures: 9, minutes: 1200 },
  ])("$failures: $minutes minutes", ({ failures, minutes }) => {
    const ledger = times(failures, (before) => recordFailure(before, names, at(0)));
    const asked = { directory: "https://ca.example/dir", names: same };
    expect(refusal(ledger, asked, at(minutes - 0.01))).toEqual(backoff(ledger, same, at(minutes - 0.01)));
    expect(backoff(ledger, same, at(minutes - 0.01))).toEqual({
      why: `${failures === 1 ? "the last try" : `the last ${failures} tries`} for ${same.join(", ")} failed, most lately at 2026-08-01T00:00:00.000Z`,
      until: at(minutes),
    });
    expect(refusal(ledger, { ...asked, force: true }, at(0))).toBeUndefined();
    expect(refusal(ledger, { ...asked, replaces: "a.b" }, at(0))).not.toBeUndefined();
    expect(backoff(ledger, same, at(minutes))).toBeUndefined();
    expect(backoff(ledger, ["os2mo.kommune.dk"], at(0))).toBeUndefined();
    expect(backoff(recordCertificate(ledger, { directory, names }, at(0)), same, at(0))).toBeUndefined();
  });
});

test.each([
  { runs: "every night", hours: 24, expected: [0, 1, 2, 3, 4, 5, 6, 7, 8, 9] },
  { runs: "twice a day", hours: 12, expected: [0, 1, 2, 3, 5, 7, 9] },
])("of runs $runs that fail one after another, minutes after they began, one tries each day", ({ hours, expected }) => {
  let ledger = emptyLedger;
  const tried: number[] = [];
  for (let run = 0; run < 10; run += 1) {
    const begun = run * hours * 60;
    if (backoff(ledger, names, at(begun)) !== undefined) continue;
    tried.push(run);
    ledger = recordFailure(ledger, names, at(begun + 6));
  }
  expect(tried).toEqual(expected);
});

test("what a machine whose clock was ahead has noted counts for no limit; a few minutes are no matter", () => {
  const asked = { directory, names };
  const failed = { directory, name: same[0] ?? "" };
  const noted = (ahead: number) =>
    times(10, (before) => {
      const failing = recordFailedAuthorization(recordCertificate(before, asked, at(ahead)), failed, at(ahead));
      return recordAccount(failing, directory, at(ahead));
    });
  for (const ahead of [60, 1440, 43_200]) {
    expect(refusal(noted(ahead), asked, at(0))).toBeUndefined();
    expect(accountRefusal(noted(ahead), { directory }, at(0))).toBeUndefined();
  }
  // Nothing of it is lost to a machine whose clock is behind, which notes something else meanwhile.
  const until = (ahead: number) => ({ until: at(ahead + 6 * 34 * 60) });
  expect(refusal(recordOrder(noted(60), asked, at(0)), asked, at(60))).toMatchObject(until(60));
  expect(refusal(noted(4), asked, at(0))).toMatchObject(until(4));
  expect(accountRefusal(noted(4), { directory }, at(0))).toMatchObject({ until: at(4 + 18) });
});

test("after a failure that a machine with a wrong clock has noted, nothing is waited for", () => {
  const ledger = recordFailure(emptyLedger, names, at(5 * 365 * 1440));
  expect(backoff(ledger, names, at(0))).toBeUndefined();
});

describe("an authority that asks to wait", () => {
  const ca = "https://ca.example/dir";
  const about = { directory: ca, names };
  const asked = { directory: ca, names: same };
  const until = (minutes: number) => ({
    why: `at 2026-08-01T00:00:00.000Z it asked to wait until ${at(minutes).toISOString()}`,
    until: at(minutes),
  });

  test("is not asked before, although somebody wants it tried, or it replaces one", () => {
    const ledger = recordWait(emptyLedger, about, at(90), at(0));
    for (const more of [{}, { force: true }, { replaces: "a.b" }]) {
      expect(refusal(ledger, { ...asked, ...more }, at(89))).toEqual(until(90));
      expect(refusal(ledger, { ...asked, ...more }, at(90))).toBeUndefined();
    }
  });

  test("for some names is asked for others, and for an account; for all is asked for nothing", () => {
    const some = recordWait(emptyLedger, about, at(90), at(0));
    expect(refusal(some, { directory: ca, names: ["x.dk"] }, at(1))).toBeUndefined();
    expect(accountRefusal(some, { directory: ca }, at(1))).toBeUndefined();
    const all = recordWait(some, { directory: ca }, at(30), at(0));
    expect(refusal(all, { directory: ca, names: ["x.dk"] }, at(1))).toEqual(until(30));
    expect(accountRefusal(all, { directory: ca, force: true }, at(1))).toEqual(until(30));
    expect(refusal(all, asked, at(1))).toEqual(until(90));
    expect(refusal(all, { directory, names }, at(1))).toBeUndefined();
  });

  test("for longer than a week is asked after one; its last word counts", () => {
    const years = recordWait(emptyLedger, about, at(3 * 365 * 1440), at(0));
    expect(refusal(years, asked, at(1))).toEqual(until(7 * 1440));
    const again = recordWait(years, { directory: ca, names: same }, at(5), at(0));
    expect(again.waits).toHaveLength(1);
    expect(refusal(again, asked, at(1))).toEqual(until(5));
  });

  test("by the note of a machine whose clock was wrong, is asked; what is over is forgotten", () => {
    const ledger = recordWait(emptyLedger, about, at(5 * 365 * 1440 + 60), at(5 * 365 * 1440));
    expect(refusal(ledger, asked, at(1))).toBeUndefined();
    expect(recordFailure(recordWait(emptyLedger, about, at(5), at(0)), names, at(5)).waits).toEqual([]);
  });
});

test("failures to get an account are counted by its directory, and end with it", () => {
  const ledger = recordFailure(emptyLedger, [directory], at(0));
  expect(accountRefusal(ledger, { directory }, at(0.5))).toEqual(backoff(ledger, [directory], at(0.5)));
  expect(accountRefusal(ledger, { directory }, at(0.5))?.until).toEqual(at(1));
  expect(accountRefusal(ledger, { directory, force: true }, at(0.5))).toBeUndefined();
  expect(refusal(ledger, { directory, names }, at(0.5))).toBeUndefined();
  expect(recordAccount(ledger, directory, at(0)).failures).toEqual([]);
});

test("a ledger is JSON, is not changed in place, and forgets what says nothing any more", () => {
  const frozen = deepFreeze(structuredClone(emptyLedger));
  const ledger = recordOrder(
    recordAccount(
      recordCertificate(
        recordFailedAuthorization(frozen, { directory, name: "a.dk" }, at(0)),
        { directory, names },
        at(0),
      ),
      directory,
      at(0),
    ),
    { directory, names },
    at(0),
  );
  expect(JSON.parse(JSON.stringify(ledger))).toEqual(ledger);
  const host = "acme-v02.api.letsencrypt.org";
  const time = "2026-08-01T00:00:00.000Z";
  expect(ledger).toEqual({
    version: 1,
    certificates: [{ host, names: same, at: time }],
    orders: [{ host, names: same, at: time, exempt: "renewal" }],
    failedAuthorizations: [{ host, name: "a.dk", at: time }],
    streaks: [{ host, name: "a.dk", at: time, count: 1 }],
    accounts: [{ host, at: time }],
    failures: [],
    waits: [],
  });
  expect(ledgerSchema.parse(ledger)).toEqual(ledger);
  const later = recordAccount(ledger, directory, at(121 * 1440));
  expect(later).toEqual({
    ...emptyLedger,
    streaks: ledger.streaks,
    accounts: [{ host, at: at(121 * 1440).toISOString() }],
  });
});

test("it never refuses later than a bucket that is counted drop by drop", () => {
  const limit = { capacity: 5, refill: 100 };
  fc.assert(
    fc.property(fc.array(fc.nat(400), { maxLength: 60 }), (gaps) => {
      let [level, last, now] = [limit.capacity, 0, 0];
      const uses: number[] = [];
      for (const gap of gaps) {
        now += gap;
        level = Math.min(limit.capacity, level + (now - last) / limit.refill);
        last = now;
        const until = allowedFrom(limit, uses, now);
        const enough = level + 1e-9 >= 1;
        expect(until === undefined).toBe(enough);
        if (until !== undefined) expect(until - now).toBeCloseTo((1 - level) * limit.refill);
        if (!enough) continue;
        level -= 1;
        uses.push(now);
      }
    }),
  );
});

test.each([
  ["os2mo.kommune.dk", "kommune.dk"],
  ["*.Kommune.dk", "kommune.dk"],
  ["kommune.dk", "kommune.dk"],
  ["a.b.example.co.uk", "co.uk"],
])("registered domain of %s: %s", (name, domain) => {
  expect(registeredDomain(name)).toBe(domain);
});

function deepFreeze<T extends object>(value: T): T {
  for (const inner of Object.values(value)) if (typeof inner === "object" && inner !== null) deepFreeze(inner);
  return Object.freeze(value);
}
