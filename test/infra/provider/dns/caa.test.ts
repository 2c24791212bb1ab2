import { describe, expect, test } from "vitest";
import { caaAnswer } from "../../../../infra/provider/dns/caa-policy.ts";
import type { Expected } from "../../../../infra/provider/dns/expected.ts";
import type { CaaView, Observation } from "../../../../infra/provider/dns/observation.ts";
import type { Caa } from "../../../../infra/provider/dns/resource-record.ts";
import { judge } from "../../../../infra/provider/dns/verdict.ts";

const account = "https://acme.example/acct/1";
const ca = { domains: ["letsencrypt.org"], accountUri: account };
const issue = (value: string, flags = 0): Caa => ({ flags, tag: "issue", value });
const tagged = (tag: string, value: string, flags = 0): Caa => ({ flags, tag, value });

describe("whether a set lets the authority issue one name by DNS (RFC 8659, RFC 8657)", () => {
  test.each<[string, Caa[], string]>([
    ["it is named", [issue("letsencrypt.org")], "allowed"],
    ["in capitals", [issue("LetsEncrypt.ORG")], "allowed"],
    ["among others", [issue("ca.example"), issue("letsencrypt.org")], "allowed"],
    ["with blanks and an empty parameter", [issue(" letsencrypt.org ; ")], "allowed"],
    ["another is named", [issue("ca.example")], "forbidden"],
    ["nobody may", [issue(";")], "forbidden"],
    ["nobody may, by an empty value", [issue("")], "forbidden"],
    ["nobody may, but it may", [issue(";"), issue("letsencrypt.org")], "allowed"],
    ["a longer name is another", [issue("x.letsencrypt.org")], "forbidden"],
    ["no issue property", [tagged("iodef", "mailto:hostmaster@kommune.dk")], "allowed"],
    ["issuewild does not matter", [tagged("issuewild", ";")], "allowed"],
    ["issuewild does not let either", [tagged("issuewild", "letsencrypt.org"), issue("ca.example")], "forbidden"],
    ["a critical tag that is not known", [issue("letsencrypt.org"), tagged("tbs", "x", 128)], "unknown tag"],
    ["the same, without the flag", [issue("letsencrypt.org"), tagged("tbs", "x")], "allowed"],
    ["the same, with a flag that has no meaning", [issue("letsencrypt.org"), tagged("tbs", "x", 1)], "allowed"],
    ["a critical tag that is known", [issue("letsencrypt.org", 128), tagged("iodef", "x", 128)], "allowed"],
    ["our account", [issue(`letsencrypt.org; accounturi=${account}`)], "allowed"],
    ["our account, name in capitals", [issue(`letsencrypt.org;AccountURI=${account}`)], "allowed"],
    ["another account", [issue("letsencrypt.org; accounturi=https://acme.example/acct/2")], "another account"],
    [
      "two accounts in one property cannot be met",
      [issue(`letsencrypt.org; accounturi=${account}; accounturi=${account}`)],
      "another account",
    ],
    ["another's account does not matter", [issue("ca.example; accounturi=x")], "forbidden"],
    [
      "two properties, one with our account",
      [issue("letsencrypt.org; accounturi=x"), issue(`letsencrypt.org; accounturi=${account}`)],
      "allowed",
    ],
    ["by DNS among others", [issue("letsencrypt.org; validationmethods=http-01,dns-01")], "allowed"],
    ["not by DNS", [issue("letsencrypt.org; validationmethods=http-01")], "another method"],
    ["by DNS, and our account", [issue(`letsencrypt.org; validationmethods=dns-01; accounturi=${account}`)], "allowed"],
    [
      "by DNS, and another account",
      [issue("letsencrypt.org; validationmethods=dns-01; accounturi=x")],
      "another account",
    ],
    ["a parameter of somebody's own", [issue("letsencrypt.org; policy=ev")], "allowed"],
    ["an account URI with a sign of equality in it", [issue("letsencrypt.org; accounturi=x?a=b")], "another account"],
  ])("%s", (_, records, answer) => {
    expect(caaAnswer(records, ca)).toBe(answer);
  });

  test("while our account is not known, one that is named may be ours", () => {
    const unknown = { domains: ["letsencrypt.org"] };
    expect(caaAnswer([issue(`letsencrypt.org; accounturi=${account}`)], unknown)).toBe("account unknown");
    expect(caaAnswer([issue("letsencrypt.org; accounturi=x"), issue("letsencrypt.org")], unknown)).toBe("allowed");
  });

  test("an authority may go by several names", () => {
    expect(caaAnswer([issue("pki.goog")], { domains: ["letsencrypt.org", "pki.goog"] })).toBe("allowed");
  });
});

describe("what is found", () => {
  const owner = "_acme-challenge.os2mo.kommune.dk";
  const expected: Expected = { owner, target: `${owner}.os2mo-on-prem.magentahosted.dk`, purpose: "challenge" };
  const caaFinding = (caa: CaaView, bogus?: string) => {
    const view = {
      resolver: "9.9.9.9",
      rcode: "NXDOMAIN",
      chain: [owner, expected.target],
      loop: false,
      addresses: [],
      texts: [],
    };
    const outside = [{ ...view, ...(bogus !== undefined && { bogus }) }];
    const observation: Observation = { apex: false, servers: [], outside, caa };
    return judge(expected, observation).filter(({ kind }) => kind === "caa");
  };
  const climbed = ["os2mo.kommune.dk", "kommune.dk"];

  test("nothing, where nothing stands or the authority may", () => {
    expect(caaFinding({ ca, climbed })).toEqual([]);
    expect(caaFinding({ ca, climbed, set: { chain: ["kommune.dk"], records: [issue("letsencrypt.org")] } })).toEqual(
      [],
    );
  });

  test("where the set stands, how it is found, and which record to add", () => {
    const set = { chain: ["kommune.dk"], records: [issue("ca.example"), tagged("iodef", "mailto:x@kommune.dk")] };
    expect(caaFinding({ ca, climbed, set })).toEqual([
      {
        kind: "caa",
        severity: "wrong",
        where: ["kommune.dk"],
        said: 'CAA records at kommune.dk (found by os2mo.kommune.dk → kommune.dk) do not let letsencrypt.org issue: 0 issue "ca.example", 0 iodef "mailto:x@kommune.dk".',
        remedy: `Add \`kommune.dk. CAA 0 issue "letsencrypt.org; accounturi=${account}; validationmethods=dns-01"\`; what stands there may stay.`,
      },
    ]);
  });

  test("a set to which the host's CNAME leads is for whoever holds that zone", () => {
    const target = "os2mo.kommune.dk.os2mo-on-prem.magentahosted.dk";
    const set = { chain: ["os2mo.kommune.dk", target], records: [issue("ca.example")] };
    const [finding] = caaFinding({ ca, climbed: ["os2mo.kommune.dk"], set });
    expect(finding?.said).toContain(`CAA records at ${target} (found by os2mo.kommune.dk → ${target})`);
    expect(finding?.remedy).toMatch(
      `A CNAME leads there, so this is for whoever holds ${target}. Add \`${target}. CAA`,
    );
  });

  test.each([
    [
      "letsencrypt.org; accounturi=x",
      ca,
      "wrong",
      `Add \`kommune.dk. CAA 0 issue "letsencrypt.org; accounturi=${account}; validationmethods=dns-01"\`, or`,
    ],
    [
      "letsencrypt.org; accounturi=x",
      { domains: ["letsencrypt.org"] },
      "warning",
      "Look again when the account is there",
    ],
    ["letsencrypt.org; validationmethods=http-01", ca, "wrong", "name dns-01 in validationmethods"],
  ])("%s is met by a remedy of its own", (value, by, severity, remedy) => {
    const [finding] = caaFinding({ ca: by, climbed, set: { chain: ["kommune.dk"], records: [issue(value)] } });
    expect(finding).toMatchObject({ severity, remedy: expect.stringContaining(remedy) });
  });

  test("a record without an account beside ours takes the effect from ours; one by itself, or of others, does not", () => {
    const found = (...values: string[]) =>
      caaFinding({ ca, climbed, set: { chain: ["kommune.dk"], records: values.map((value) => issue(value)) } });
    const [ours, open] = [`letsencrypt.org; accounturi=${account}`, "letsencrypt.org; validationmethods=dns-01"];
    expect(found(ours, open)).toMatchObject([
      { severity: "warning", remedy: expect.stringContaining("Take the record without accounturi away") },
    ]);
    const old = "letsencrypt.org; accounturi=x";
    const silent = [[ours], [open], [ours, "ca.example"], [open, "ca.example; accounturi=x"], [ours, old], [open, old]];
    for (const values of silent) expect(found(...values)).toEqual([]);
  });

  test("a critical tag that is not known", () => {
    const set = { chain: ["kommune.dk"], records: [tagged("tbs", "x", 128)] };
    const [finding] = caaFinding({ ca, climbed, set });
    expect(finding?.said).toContain("have a critical tag that no authority knows, so none may issue: 128 tbs");
    expect(finding?.remedy).toContain("clear its critical flag (128), at kommune.dk");
  });

  test("no answer: an authority refuses; bad signatures explain it already", () => {
    const failed = { ca, climbed: ["os2mo.kommune.dk"], failed: { name: "os2mo.kommune.dk", why: "SERVFAIL" } };
    expect(caaFinding(failed)).toMatchObject([
      { severity: "wrong", where: ["os2mo.kommune.dk"], said: expect.stringContaining("gets SERVFAIL") },
    ]);
    expect(caaFinding(failed, owner)).toEqual([]);
  });
});
