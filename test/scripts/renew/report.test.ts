import { expect, test } from "vitest";
import { type CertificateState, certificatesIn, isBad, reportLines, rowsOf } from "../../../scripts/renew/report.ts";

const now = new Date("2026-12-01T00:00:00Z");
const certificate = (more: Partial<CertificateState> = {}): CertificateState => ({
  names: ["os2mo.kommune.dk"],
  issuer: "CN=E7",
  serial: "01",
  notBefore: "2026-11-01T00:00:00.000Z",
  notAfter: "2027-01-30T00:00:00.000Z",
  renewAt: "2026-12-31T00:00:00.000Z",
  renewal: "a third of its life is left at 2026-12-31",
  served: "yes",
  problems: [],
  ...more,
});
const result = (after: CertificateState[], more: object = {}) => ({
  stack: "prod",
  declared: true,
  before: after,
  after,
  errors: [],
  warnings: [],
  ...more,
});

test("why a run failed, and why a renewal that has time left did, are lines of their own", () => {
  const [, ...lines] = reportLines(
    [result([certificate()], { errors: ["no ssh\n  why"], warnings: ["not\nnow"] })],
    now,
  );
  expect(lines).toEqual([
    "FAILED  prod          no ssh\n            why",
    "warned  prod          not\n          now",
    "1 of 1 stacks need somebody to look",
  ]);
  expect(isBad(result([certificate()], { warnings: ["not now"] }), now)).toBe(false);
});

test("a certificate in time is a line, with what is left of its life and why it falls due when it does", () => {
  expect(reportLines([result([certificate()])], now)).toEqual([
    "ok      prod          os2mo.kommune.dk  until 2027-01-30 00:00 UTC, 66 % left: a third of its life is left at 2026-12-31",
    "all certificates are in time",
  ]);
});

test.each([
  ["under a third of its life left", result([certificate({ notAfter: "2026-12-10T00:00:00.000Z" })]), true],
  ["a third of its life left", result([certificate({ notAfter: "2026-12-16T00:00:00.000Z" })]), false],
  ["expired", result([certificate({ notAfter: "2026-11-30T00:00:00.000Z" })]), true],
  ["another is shown", result([certificate({ served: "another" })]), true],
  ["nobody shows it yet", result([certificate({ served: "nothing" })]), false],
  ["a problem", result([certificate({ problems: ["its key can be read by others than root"] })]), true],
  ["a run that failed", result([certificate()], { errors: ["no ssh"] }), true],
  ["no certificate, and none declared", result([], { declared: false }), false],
  ["no certificate although one is declared", result([]), true],
])("%s: somebody must look: %s", (_, given, bad) => {
  expect(isBad(given, now)).toBe(bad);
});

test("a stack that declares a certificate and has none is a line that says so", () => {
  expect(reportLines([result([])], now)).toEqual([
    "NONE    prod          https.acme is declared, and there is no certificate: `npm run pulumi -- up -s prod` gets one",
    "1 of 1 stacks need somebody to look",
  ]);
});

test("a first certificate that has not come yet is none, by the names that it is wanted for; once it is there, it is new", () => {
  const epoch = new Date(0).toISOString();
  const times = { notBefore: epoch, notAfter: epoch, renewAt: epoch, renewal: "" };
  const problems = ["there is a key, and no certificate yet"];
  const outputs = certificate({ ...times, names: [], serial: "", served: "nothing", problems });
  const resources = [{ type: "onprem:acme:AcmeCertificate", inputs: { names: certificate().names }, outputs }];
  const before = certificatesIn(JSON.stringify({ deployment: { resources } }));
  expect(reportLines([result(before)], now)).toEqual([
    "LOOK    prod          os2mo.kommune.dk  has none: there is a key, and no certificate yet",
    "1 of 1 stacks need somebody to look",
  ]);
  expect(rowsOf({ ...result([certificate()]), before }, now)[0]).toMatchObject({ renewed: true, alarm: false });
});

test("a renewal is told by the serial, of what was there before", () => {
  const after = [certificate({ serial: "02" })];
  expect(rowsOf({ ...result(after), before: [certificate()] }, now)[0]?.renewed).toBe(true);
  expect(rowsOf(result(after), now)[0]?.renewed).toBe(false);
});

test("a state's certificates are read, and what is about to be deleted is none", () => {
  const resources = [
    { type: "onprem:acme:AcmeCertificate", outputs: certificate() },
    { type: "onprem:acme:AcmeCertificate", outputs: certificate({ serial: "00" }), delete: true },
    { type: "onprem:linux:File", outputs: {} },
  ];
  expect(certificatesIn(JSON.stringify({ deployment: { resources } }))).toEqual([certificate()]);
  expect(certificatesIn("{}")).toEqual([]);
});
