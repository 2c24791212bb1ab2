import fc from "fast-check";
import { expect, test } from "vitest";
import { caaAnswer } from "../../../../infra/provider/dns/caa-policy.ts";
import { caaLine, caaRecord } from "../../../../infra/provider/dns/caa-record.ts";

const accountUri = "https://acme-v02.api.letsencrypt.org/acme/acct/1";

test.each([
  { permission: { issuer: "letsencrypt.org" }, line: '0 issue "letsencrypt.org; validationmethods=dns-01"' },
  {
    permission: { issuer: "letsencrypt.org", accountUri },
    line: `0 issue "letsencrypt.org; accounturi=${accountUri}; validationmethods=dns-01"`,
  },
])("$line", ({ permission, line }) => {
  expect(caaLine(permission)).toBe(line);
});

test("what is written lets our account issue, and no other", () => {
  fc.assert(
    fc.property(fc.domain(), fc.nat(), fc.nat(), (issuer, one, other) => {
      fc.pre(one !== other);
      const uri = (number: number) => `https://${issuer}/acct/${number}`;
      const records = [caaRecord({ issuer, accountUri: uri(one) })];
      expect(caaAnswer(records, { domains: [issuer], accountUri: uri(one) })).toBe("allowed");
      expect(caaAnswer(records, { domains: [issuer], accountUri: uri(other) })).toBe("another account");
      expect(caaAnswer(records, { domains: ["other.example"], accountUri: uri(one) })).toBe("forbidden");
    }),
  );
});

test.each(['https://ca.example/"', "https://ca.example/a;b", "https://ca.example/a b", "", "å"])(
  "an account that would end the value is refused: %s",
  (uri) => {
    expect(() => caaLine({ issuer: "letsencrypt.org", accountUri: uri })).toThrow("could not write a CAA record");
  },
);

test.each([
  [
    "a domain that names authorities already loses none of them",
    [{ flags: 0, tag: "issue", value: "ca.example" }],
    "allowed",
  ],
  [
    "one that names none would lose all others, whatever else it has",
    [{ flags: 0, tag: "iodef", value: "mailto:a@b.dk" }],
    "forbidden",
  ],
] as const)("what the instructions say of adding the record: %s", (_, before, after) => {
  const other = { domains: ["ca.example"] };
  expect(caaAnswer(before, other)).toBe("allowed");
  expect(caaAnswer([...before, caaRecord({ issuer: "letsencrypt.org", accountUri })], other)).toBe(after);
});
