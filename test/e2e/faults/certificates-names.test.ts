import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { CertificateLab, host } from "./certificate-order.ts";
import { fault } from "./fault.ts";

// DNS-1, DNS-5: orders with name servers and records that are out of order. A lab of its own.

let at: CertificateLab;
beforeAll(async () => {
  at = await CertificateLab.up();
}, 400_000);
afterEach(async () => {
  await at.names.heal();
  await at.names.customer.write(at.records());
});
afterAll(() => at?.[Symbol.asyncDispose]());

const secondary = "ns2.vendor.test";
const kept = "The old certificate stays and is shown; nothing is left in DNS; mended, one run gets the new one";

fault(
  "certificates/zone-server-out-of-order",
  {
    done: "Another certificate is asked for while the vendor's second name server has an old copy of the zone, is stopped, or keeps silent",
    holds: `An error that names the server and what it does; the authority is not told to look; ${kept}, by the same order`,
    timeout: 240_000,
  },
  async (report) => {
    const troubles = [
      ["stale", () => at.names.makeStale("vendor2"), "lacks it"],
      ["stopped", () => at.names.stop("vendor2"), "does not listen"],
      ["silent", () => at.names.silence("vendor2"), "sends no answer"],
    ] as const;
    for (const [trouble, begins, why] of troubles) {
      await at.wantAnother();
      await begins();
      const asked = await at.asked(async () => {
        const error = await at.fails(() => at.up());
        const servers = error.filter((line) => line.startsWith(secondary));
        expect(error[0]).toMatch(/waited \d+ s in vain for the value \S+ of TXT at _acme-challenge\.os2mo\./);
        expect([trouble, servers.length > 0 && servers.every((line) => line.endsWith(`) ${why}`))]).toEqual([
          trouble,
          true,
        ]);
        expect(error.at(-1)).toContain("take one that is gone out of the zone's NS records");
      });
      expect([trouble, asked]).toEqual([trouble, ["newOrder"]]);
      expect(await at.left(["vendor1"])).toEqual([]);
      await at.names.heal();
      expect([trouble, await at.asked(() => at.mends())]).toEqual([trouble, ["challenge", "finalize"]]);
      report.seen(`${trouble}: "${secondary} (…) ${why}"`);
    }
    report.seen("each time one order, no look of the authority's, and the run after it ended that same order");
  },
);

fault(
  "certificates/customer-servers-out-of-order",
  {
    done: "Of the customer's three name servers two keep silent or are stopped; then all are stopped; then the one that is left has an old copy without the record; then all signatures have expired; then all answer, and one has the old copy",
    holds: `With one that answers right, a certificate is got; else an error says what the resolver says, or which server lacks the record, and the authority is asked for nothing; ${kept}`,
    timeout: 300_000,
  },
  async (report) => {
    await at.wantAnother();
    await at.names.stop("ns1");
    await at.names.silence("ns2");
    await at.mends();
    report.seen("With one of three, a certificate was got");
    await at.names.heal();
    await at.wantAnother();
    const right = at.records();
    const troubles = [
      [
        "all stopped",
        async () => {
          for (const server of ["ns1", "ns2", "ns3"] as const) await at.names.stop(server);
        },
        /no resolver tells where _acme-challenge\.os2mo\.kommune\.test leads: \S+ says SERVFAIL/,
      ],
      [
        "an old copy",
        async () => {
          await at.names.customer.write(right.slice(0, 1));
          await at.names.makeStale("ns3");
          await at.names.customer.write(right);
          for (const server of ["ns1", "ns2"] as const) await at.names.stop(server);
        },
        /there is no CNAME, and the zone that we write to is os2mo-on-prem\.vendor\.test/,
      ],
      [
        "signatures expired",
        () => at.names.breakSignatures(),
        /no resolver tells where _acme-challenge\.os2mo\.kommune\.test leads: \S+ says SERVFAIL/,
      ],
    ] as const;
    for (const [trouble, begins, why] of troubles) {
      await begins();
      const asked = await at.asked(async () => {
        const error = await at.fails(() => at.up());
        expect(error[0]).toContain(`cannot answer a challenge at _acme-challenge.${host}`);
        expect(error[1]).toMatch(why);
        report.seen(`${trouble}: "${error[1]}"`);
      });
      expect([trouble, asked]).toEqual([trouble, []]);
      expect(await at.left()).toEqual([]);
      await at.names.heal();
    }
    await at.names.customer.write(right.slice(0, 1));
    await at.names.makeStale("ns3");
    await at.names.customer.write(right);
    const asked = await at.asked(async () => {
      const error = await at.fails(() => at.up());
      expect(error[0]).toMatch(/did not ask \S+ for a certificate for os2mo\.kommune\.test$/);
      expect(error[1]).toMatch(/ at ns1\.\S+ \(\S+\)[^;]*, but there is no CNAME at ns3\.kommune\.test \(/);
      expect(error[2]).toContain("wait for the transfer to these servers");
      report.seen(`one of three has an old copy: "${error[1]}"`);
    });
    expect(asked).toEqual([]);
    expect(JSON.parse(await at.within("cat /var/lib/onprem/acme/ledger.json")).failures).toEqual([]);
    await at.names.heal();
    await at.mends();
  },
);

fault(
  "certificates/challenge-record-wrong",
  {
    done: "The customer's record for challenges is missing, points elsewhere, leads in a circle, or by way of too many others",
    holds: `An error that shows the record or the way; the authority is asked for nothing; ${kept}`,
    timeout: 180_000,
  },
  async (report) => {
    await at.wantAnother();
    const long = Array.from({ length: 20 }, (_, index) => `c${index} CNAME c${index + 1}`);
    const troubles: [string, string[], RegExp][] = [
      ["missing", ["unused TXT none"], /there is no CNAME, and the zone that we write to is/],
      ["elsewhere", ["_acme-challenge.os2mo CNAME acme.elsewhere.test."], /its CNAMEs end at acme\.elsewhere\.test/],
      [
        "a circle",
        ["_acme-challenge.os2mo CNAME loop", "loop CNAME _acme-challenge.os2mo"],
        /lead in a circle: _acme-challenge\.os2mo\.kommune\.test -> loop\.kommune\.test -> _acme-challenge/,
      ],
      [
        "too long",
        ["_acme-challenge.os2mo CNAME c0", ...long],
        /do not end: _acme-challenge\.os2mo\.kommune\.test -> c0/,
      ],
    ];
    for (const [trouble, records, why] of troubles) {
      await at.names.customer.write(at.records(...records));
      const asked = await at.asked(async () => {
        const error = await at.fails(() => at.up());
        expect(error[0]).toContain(`cannot answer a challenge at _acme-challenge.${host}`);
        expect(error[1]).toMatch(why);
        expect(error[2]).toContain("`npm run verify -- dns STACK` says");
        report.seen(`${trouble}: "${error[1]?.slice(0, 100)}"`);
      });
      expect([trouble, asked]).toEqual([trouble, []]);
      expect(await at.left()).toEqual([]);
    }
    await at.names.customer.write(at.records());
    await at.mends();
  },
);

fault(
  "certificates/zone-key-wrong",
  {
    done: "The key for the vendor's zone has another secret, and then another name, than its name server knows",
    holds: `An error that names the key and what to compare; the authority is not told to look; ${kept}`,
    timeout: 180_000,
  },
  async (report) => {
    await at.wantAnother();
    const { name } = at.names.vendor.keys.challenges;
    const asked = await at.asked(async () => {
      const secret = await at.fails(() => at.up({}, {}, "wrong"));
      expect(secret[0]).toMatch(
        /could not change _acme-challenge\.\S+ at RFC 2136 at \S+ \(zone os2mo-on-prem\.vendor\.test\)$/,
      );
      expect(secret[1]).toBe(`the server has another secret for the key ${name} (BADSIG)`);
      expect(secret[2]).toContain("Compare name, algorithm and secret with the key in the server's configuration");
      const unknown = await at.fails(() => at.up({}, { name: "nobody" }));
      expect(unknown[1]).toBe("the server does not know the key nobody, or not with hmac-sha256 (BADKEY)");
      report.seen(`"${secret[1]}"; "${unknown[1]}"`);
    });
    expect(asked).toEqual(["newOrder"]);
    expect(await at.asked(() => at.mends())).toEqual(["challenge", "finalize"]);
    report.seen("One order in all, which the run with the right key ended");
  },
);
