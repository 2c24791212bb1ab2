import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { publicKeyOfRequest, readCertificate, sameKey } from "../../../../infra/provider/acme/certificate.ts";
import { elements, NotDer } from "../../../../infra/provider/acme/der.ts";
import { clientAuth, inDays, issuer, leaf, privatePem, publicPem, request } from "./certificates.ts";

/** RFC 9773, appendix A.1. */
const example = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

test("the renewal id is the one of the RFC's own example", () => {
  const { renewalId, names, forServers } = readCertificate(example);
  expect({ renewalId, names, forServers }).toEqual({
    renewalId: "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE",
    names: [],
    forServers: true,
  });
});

test("what a certificate says", async () => {
  const root = await issuer("Test CA");
  const [notBefore, notAfter] = [inDays(-3), inDays(40)];
  const names = ["www.Kommune.dk", "*.kommune.dk", "192.0.2.1", "www.kommune.dk"];
  const made = await leaf(root, { names, serial: "0081af", notBefore, notAfter });
  expect(readCertificate(`Bag attributes\n${made.pem}${root.pem}`)).toEqual({
    names: ["*.kommune.dk", "www.kommune.dk"],
    notBefore,
    notAfter,
    serial: "81af",
    key: "ECDSA P-256",
    publicKey: `${await publicPem(made.keys)}\n`,
    issuer: "CN=Test CA",
    renewalId: expect.stringMatching(/^[\w-]{27}\.AIGv$/),
    forServers: true,
  });
});

test.each([
  { of: { usages: [clientAuth] }, says: { forServers: false } },
  { of: { usages: [] }, says: { forServers: true } },
  { of: { keyIdentifier: false }, says: { renewalId: undefined } },
])("a certificate with $of", async ({ of, says }) => {
  const made = await leaf(await issuer("Test CA"), { names: ["a.dk"], ...of });
  expect(readCertificate(made.pem)).toMatchObject(says);
});

describe("what cannot be read", () => {
  test.each([
    { text: "", why: "there is no certificate in the text" },
    {
      text: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
      why: expect.stringMatching(/^certificate 1 of 1 cannot be read: /),
    },
  ])("$text", ({ text, why }) => {
    expect(() => readCertificate(text)).toThrow(
      expect.objectContaining({ explanation: { what: "could not read a certificate", why } }),
    );
  });

  test.each([
    { text: "MIIB", why: "there is no certificate request in the text" },
    {
      text: "-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----",
      why: "it has no key",
    },
  ])("a request: $text", ({ text, why }) => {
    expect(() => publicKeyOfRequest(text)).toThrow(
      expect.objectContaining({ explanation: { what: "could not read the certificate request", why } }),
    );
  });
});

test("the key of a request, and whether keys are one", async () => {
  const [one, other] = [await request(["a.dk"]), await request(["a.dk"])];
  expect(sameKey(publicKeyOfRequest(one.csr), one.publicKey)).toBe(true);
  expect(sameKey(publicKeyOfRequest(one.csr), other.publicKey)).toBe(false);
  const { keys } = await issuer("Test CA");
  expect(sameKey(await privatePem(keys), await publicPem(keys))).toBe(true);
});

test("DER is read whole, or refused as none", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70_000, size: "max" }), fc.nat(30), (content, tag) => {
      const { length } = content;
      const size = length < 128 ? [length] : length < 65_536 ? [0x82, length >> 8, length & 255] : undefined;
      const head = [tag, ...(size ?? [0x83, length >> 16, (length >> 8) & 255, length & 255])];
      const whole = Buffer.concat([Buffer.from(head), content]);
      expect(elements(Buffer.concat([whole, whole]))).toEqual([
        { tag, content: Buffer.from(content), whole },
        { tag, content: Buffer.from(content), whole },
      ]);
    }),
    { numRuns: 50 },
  );
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1 }), (bytes) => {
      try {
        const read = elements(Buffer.from(bytes));
        expect(Buffer.concat(read.map(({ whole }) => whole))).toEqual(Buffer.from(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(NotDer);
      }
    }),
  );
});
