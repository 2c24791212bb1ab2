import { describe, expect, test } from "vitest";
import { emptyLedger } from "../../../../infra/provider/acme/ledger.ts";
import { Problem, Refused, readProblem, Unasked } from "../../../../infra/provider/acme/problem.ts";
import { afterSetback } from "../../../../infra/provider/acme/setback.ts";
import { Unanswered } from "../../../../infra/provider/acme/transport.ts";
import { Failure } from "../../../../infra/provider/failure.ts";
import { Cancelled } from "../../../../infra/provider/host/errors.ts";

const directory = "https://acme-v02.api.letsencrypt.org/directory";
const host = "acme-v02.api.letsencrypt.org";
const names = ["a.kommune.dk"];
const now = new Date("2026-08-01T00:00:00Z");
const at = now.toISOString();
const later = new Date("2026-08-01T02:00:00Z");
const failures = [{ names, count: 1, at }];

function refused(type: string, { until, failedNames = [] }: { until?: Date; failedNames?: string[] } = {}): Refused {
  const document = readProblem({ type: `urn:ietf:params:acme:error:${type}`, detail: type }, "");
  return new Refused("could not", [new Problem(document, { status: 429, until })], { authority: host, failedNames });
}

describe("what counts after an authority was asked for a certificate (issue: failures back off over runs)", () => {
  test.each([
    ["it is down", new Unanswered({ what: "could not ask", why: "refused" }), { failures }],
    ["what was to be looked for could not be set", new Failure({ what: "zone", why: "refused" }), { failures }],
    ["it said no", refused("caa"), { failures }],
    [
      "it limits these names",
      refused("rateLimited", { until: later }),
      { failures, waits: [{ host, at, until: later.toISOString(), names }] },
    ],
    [
      "it is out of order for a while",
      refused("serverInternal", { until: later }),
      { failures, waits: [{ host, at, until: later.toISOString() }] },
    ],
    [
      "it found no challenge",
      refused("unauthorized", { failedNames: names }),
      {
        failures,
        failedAuthorizations: [{ host, name: "a.kommune.dk", at }],
        streaks: [{ host, name: "a.kommune.dk", at, count: 1 }],
      },
    ],
    ["it was not asked, for it has no such profile", new Unasked({ what: "x", why: "no profile" }), {}],
    ["we stopped while a name server was waited for", new Cancelled("set the challenge"), {}],
    ["we stopped", new DOMException("stopped", "AbortError"), {}],
  ])("%s", (_, error, more) => {
    expect(afterSetback(emptyLedger, { directory, names }, error, now)).toEqual({ ...emptyLedger, ...more });
  });
});

test("an account that did not come counts under its directory, and a limit on accounts holds for all", () => {
  expect(afterSetback(emptyLedger, { directory }, refused("rateLimited", { until: later }), now)).toEqual({
    ...emptyLedger,
    failures: [{ names: [directory], count: 1, at }],
    waits: [{ host, at, until: later.toISOString() }],
  });
});
