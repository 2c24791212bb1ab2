import { afterAll, afterEach, beforeAll, expect } from "vitest";
import type { AuthorityOptions } from "../../../lab/pebble.ts";
import { CertificateLab, stackOf } from "./certificate-order.ts";
import { fault } from "./fault.ts";

// DNS-1, DNS-2: an authority that is down, slow, limits, rejects, or plays tricks. A lab of its own.

const labels = Array.from({ length: 30 }, (_, index) => `app${String(index + 1).padStart(2, "0")}`);

let at: CertificateLab;
beforeAll(async () => {
  at = await CertificateLab.up(labels.map((label) => `${label}.kommune.test`));
}, 400_000);
afterEach(async ({ task }) => {
  await at.authority.heal();
  if (task.result?.state !== "fail") return;
  // What it has left is not the next case's trouble, nor its own when it is tried again.
  await at.within(`rm -f ${ledger}`);
  await afresh({ sleep: 0, nonceReject: 0, reuse: 0 });
  await at.up();
});
afterAll(() => at?.[Symbol.asyncDispose]());

const kept = "The old certificate stays and is shown; nothing is left in DNS";
const ledger = "/var/lib/onprem/acme/ledger.json";
/** Until when the authority has asked to be left alone, by the note on the server. */
const waits = async (): Promise<string[]> => {
  const { waits } = JSON.parse(await at.within(`cat ${ledger}`)) as { waits: { until: string }[] };
  return waits.map(({ until }) => until);
};
/** That time is over: nobody can wait for it, and no clock is set here. All else of the note stays. */
const letWaitsPass = () => at.within(`sed -i -E 's/("until": ")[^"]*/\\1${new Date().toISOString()}/' ${ledger}`);

/** Another authority in its place, which knows nobody. */
async function afresh(options: AuthorityOptions): Promise<void> {
  await at.authority.restart(options);
  await at.within("rm -rf /etc/onprem/acme");
}

fault(
  "certificates/authority-down",
  {
    done: "The authority refuses connections, then answers 503, when another certificate is wanted; the run after it is a usual one, without force",
    holds: `An error that says which authority does not answer; ${kept}; the usual run asks nobody for a minute; with the authority back, one run converges`,
    timeout: 240_000,
  },
  async (report) => {
    await at.wantAnother();
    await at.authority.stop();
    const refused = await at.fails(() => at.up());
    report.seen(`Refusing connections: "${refused.slice(0, 2).join(": ")}"`);
    expect(refused.join("\n")).toContain(new URL(at.authority.directory).host);
    expect(refused.join("\n")).toMatch(/ECONNREFUSED|refuses? connections/);
    await at.authority.start();
    await at.authority.fail({ kind: "down" });
    const out = await at.fails(() => at.up());
    report.seen(`503: "${out.slice(0, 2).join(": ")}"`);
    expect(out.join("\n")).toContain("503");
    await at.authority.heal();
    await using usual = await stackOf(at.lab, at.names, { ONPREM_FORCE_CERTIFICATE: "" });
    const asked = await at.asked(async () => {
      const { errors } = await usual.up(at.declared());
      expect(errors.join("\n")).toMatch(/did not ask[\s\S]*the last 2 tries[\s\S]*ONPREM_FORCE_CERTIFICATE=1/);
    });
    expect(asked).toEqual([]);
    expect(await at.left()).toEqual([]);
    await at.mends();
    report.seen("A usual run waited, one that was forced converged");
  },
);

fault(
  "certificates/authority-slow",
  {
    done: "Each answer of the authority comes 1.5 s late, and it waits up to 15 s before each validation",
    holds: "One run gets the certificate; nothing is left in DNS",
    timeout: 240_000,
  },
  async (report) => {
    await afresh({ sleep: 15, nonceReject: 5, reuse: 0 });
    await at.authority.fail({ kind: "slow", milliseconds: 1500 });
    await at.wantAnother();
    const began = performance.now();
    await at.mends();
    report.seen(`Run, and the preview after it: ${Math.round((performance.now() - began) / 1000)} s`);
    await afresh({ sleep: 0, nonceReject: 0, reuse: 0 });
    await at.wantAnother();
    await at.mends();
  },
);

fault(
  "certificates/authority-rejects",
  {
    done: "The authority rejects the order (403), then takes an order and rejects its end (finalize)",
    holds: `An error with the authority's words; it is asked once a run; ${kept}; when it takes it, one run converges`,
    timeout: 240_000,
  },
  async (report) => {
    await at.wantAnother();
    const detail = "this name is none of ours";
    await at.authority.fail({ kind: "rejecting", detail });
    const asked = await at.asked(async () => {
      const error = await at.fails(() => at.up());
      expect(error.join("\n")).toContain(detail);
      report.seen(`At the order: "${error.slice(0, 2).join(": ")}"`);
    });
    expect(asked).toEqual(["newOrder"]);
    await at.authority.fail({ kind: "rejecting", detail, at: "finalize" });
    const ended = await at.asked(async () => {
      const error = await at.fails(() => at.up());
      expect(error.join("\n")).toContain(detail);
      report.seen(`At its end: "${error.slice(0, 2).join(": ")}"`);
    });
    expect(ended).toEqual(["newOrder", "challenge", "finalize"]);
    expect(await at.left()).toEqual([]);
    await at.authority.heal();
    await at.mends();
  },
);

fault(
  "certificates/rate-limited",
  {
    done: "The authority answers 429 and asks to wait for an hour; then a run is forced to try again at once; then that hour is over, by the note on the server",
    holds: `The error says until when; ${kept}; even a forced run asks nothing before; afterwards one run converges`,
    timeout: 240_000,
  },
  async (report) => {
    await at.wantAnother();
    await at.authority.fail({ kind: "rate-limited", retryAfter: 3600 });
    const limited = await at.fails(() => at.up());
    expect(limited.join("\n")).toMatch(/rateLimited[\s\S]*Wait until \d{4}-/);
    report.seen(`"${limited.slice(0, 2).join(": ")}"`);
    await at.authority.heal();
    const asked = await at.asked(async () => {
      const early = await at.fails(() => at.up());
      expect(early.join("\n")).toMatch(/did not ask[\s\S]*after \d{4}-/);
      report.seen(`A forced run at once: "${early.slice(0, 2).join(": ")}"`);
    });
    expect(asked).toEqual([]);
    expect(await at.left()).toEqual([]);
    const [until = ""] = await waits();
    expect(Date.parse(until) - Date.now()).toBeGreaterThan(3500_000);
    await letWaitsPass();
    await at.mends();
    expect(await waits()).toEqual([]);
  },
);

fault(
  "certificates/nonces-and-reuse",
  {
    done: "Six nonces in a row are rejected for a new order; then a third of all, whatever is asked; authorisations are reused at random, then always",
    holds: "Each run gets its certificate, and leaves nothing in DNS",
    timeout: 240_000,
  },
  async (report) => {
    const rejected = async (isWanted: (step: string | undefined) => boolean) =>
      (await at.authority.requests()).filter(({ step, status }) => status === 400 && isWanted(step)).length;
    // Eleven in a row would be too many, which must not come by chance.
    await afresh({ sleep: 0, nonceReject: 0, reuse: 50 });
    const before = await rejected((step) => step === "newOrder");
    await at.authority.fail({ kind: "bad-nonce", times: 6 });
    await at.wantAnother();
    await at.mends();
    const inRow = (await rejected((step) => step === "newOrder")) - before;
    expect(inRow).toBeGreaterThanOrEqual(6);
    await afresh({ sleep: 0, nonceReject: 33, reuse: 50 });
    // A new order may be rejected for what it replaces, which the authority does not know: it is not counted.
    const byChance = () => rejected((step) => step !== "newOrder");
    const soFar = await byChance();
    for (let order = 0; order < 2 || ((await byChance()) === soFar && order < 8); order += 1) {
      await at.wantAnother();
      await at.mends();
    }
    const others = (await byChance()) - soFar;
    expect(others).toBeGreaterThan(0);
    await afresh({ sleep: 0, nonceReject: 0, reuse: 100 });
    await at.wantAnother();
    await at.mends();
    await at.wantAnother();
    const asked = await at.asked(() => at.mends());
    expect(asked).toEqual(["newOrder", "finalize"]);
    report.seen(
      `Six new orders in a row and, by chance, ${others} other requests were rejected for their nonce; an order with a valid authorisation set no challenge`,
    );
    await afresh({ sleep: 0, nonceReject: 0, reuse: 0 });
    await at.wantAnother();
    await at.mends();
  },
);

fault(
  "certificates/thirty-at-once",
  {
    done: "30 certificates, for a name each, are new in one program on one server, whose web server runs and shows one for another name",
    holds:
      "One run gets all of them; nothing is left in DNS; the web server, told of them, shows each for its own name; the next run has nothing to do; without them in the program they go",
    timeout: 400_000,
  },
  async (report) => {
    const zone = at.names.vendor.zone;
    const cname = (label: string) =>
      `_acme-challenge.${label} CNAME _acme-challenge.${label}.${at.names.customer.zone}.${zone}.`;
    await at.names.customer.write([...at.records(), ...labels.map(cname)]);
    const [account, template] = at.declared();
    if (account === undefined || template === undefined) throw new Error("nothing is declared");
    const many = labels.map((label) => ({
      ...template,
      name: label,
      args: { ...template.args, names: [`${label}.${at.names.customer.zone}`], folder: `/etc/onprem/tls-${label}` },
    }));
    const all = [account, template, ...many];
    const began = performance.now();
    const asked = await at.asked(async () => {
      const { errors } = await at.stack.up(all);
      expect(errors).toEqual([]);
    });
    const lasted = Math.round((performance.now() - began) / 1000);
    expect(asked.filter((step) => step === "finalize")).toHaveLength(30);
    report.seen(`30 certificates in ${lasted} s, ${asked.length} requests for orders`);
    const hosts = labels.map((label) => `${label}.${at.names.customer.zone}`);
    await at.within(
      `for n in ${labels.join(" ")}; do echo "server { listen 443 ssl; server_name $n.${at.names.customer.zone}; ssl_certificate /etc/onprem/tls-$n/live/fullchain.pem; ssl_certificate_key /etc/onprem/tls-$n/live/key.pem; }"; done >/etc/nginx/conf.d/many.conf; systemctl reload nginx`,
    );
    const served = () =>
      at.within(
        `for n in ${hosts.join(" ")}; do timeout 5 openssl s_client -connect 127.0.0.1:443 -servername $n </dev/null 2>/dev/null | openssl x509 -noout -ext subjectAltName | grep -o 'DNS:.*' || echo none; done`,
      );
    // For a moment after a reload, old and new processes of the web server answer.
    await expect
      .poll(async () => (await served()).split("\n"), { timeout: 20_000 })
      .toEqual(hosts.map((name) => `DNS:${name}`));
    const records = await at.lab.within(
      "vendor",
      labels
        .map(
          (label) =>
            `dig +short +norecurse @${at.names.servers.vendor1.v4} TXT _acme-challenge.${label}.${at.names.customer.zone}.${zone}`,
        )
        .join("\n"),
    );
    expect(records).toBe("");
    expect((await at.stack.preview(all, "--expect-no-changes")).code).toBe(0);
    await at.within("rm /etc/nginx/conf.d/many.conf; systemctl reload nginx");
    expect((await at.stack.up([account, template])).errors).toEqual([]);
    expect(await at.within("ls -d /etc/onprem/tls-app* 2>/dev/null || true")).toBe("");
  },
);
