import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { ensureRequirements } from "../../../lab/requirements.ts";
import { CertificateLab, stackOf } from "./certificate-order.ts";
import { fault } from "./fault.ts";
import { onlyError } from "./trouble.ts";

// DNS-1: orders on a server, and from a machine, that is in trouble. A lab of its own.

const faketime = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";
const folder = "/etc/onprem/tls";
const notes = "/var/lib/onprem/acme";
const broken = "/etc/nginx/conf.d/broken.conf";
let at: CertificateLab;
beforeAll(async () => {
  await ensureRequirements({ [faketime]: "faketime" }, () => undefined);
  at = await CertificateLab.up();
}, 400_000);
afterEach(async () => {
  // What a case that fails leaves must not be the next one's trouble.
  await at.within(`systemctl kill --signal=CONT nginx || true; rm -f ${broken}; systemctl restart nginx`);
});
afterAll(() => at?.[Symbol.asyncDispose]());

const kept = "The old certificate stays and is shown; nothing is left in DNS";

fault(
  "certificates/disk-full",
  {
    done: `${folder} is full when another certificate is wanted; then it has room for the key, but where runs keep their notes there is none; then there is none for the chain`,
    holds: `An error that says where, and what to do; ${kept}; with room, one run puts the certificate there that was issued already`,
    timeout: 180_000,
  },
  async (report) => {
    await at.wantAnother();
    // Its own small file system, with the pair as it is; `pages` of 4 KiB are left free.
    const fill = (pages: number) =>
      `rm -f ${folder}/full; free=$(df --output=avail -B 4096 ${folder} | tail -n 1); head -c $(((free - ${pages}) * 4096)) /dev/zero >${folder}/full`;
    await at.within(
      `cp -a ${folder} /run/pair; mount -t tmpfs -o size=256k,mode=0700 tmpfs ${folder}; cp -a /run/pair/. ${folder}/; ${fill(0)}`,
    );
    try {
      const asked = await at.asked(async () => {
        const error = await at.fails(() => at.up());
        report.seen(`No room for the key: "${error.slice(0, 2).join(": ")}"`);
        expect(error.join("\n")).toContain("No space left on device");
        expect(error.join("\n")).toContain(`df -h ${folder}`);
      });
      expect(asked).toEqual([]);
      await at.within(fill(4));
      await at.within(`mount -t tmpfs -o size=4k,mode=0700 tmpfs ${notes}; head -c 4096 /dev/zero >${notes}/full`);
      try {
        const unasked = await at.asked(async () => {
          const error = await at.fails(() => at.up());
          report.seen(`No room for notes: "${error.slice(0, 2).join(": ")}"`);
          expect(error[0]).toContain(notes);
          expect(error[1]).toContain("No space left on device");
          expect(error[2]).toContain("Make room there");
        });
        expect(unasked).toEqual([]);
      } finally {
        await at.within(`umount ${notes}`);
      }
      const issued = await at.asked(async () => {
        const error = await at.fails(() => at.up());
        report.seen(`No room for the chain: "${error.slice(0, 2).join(": ")}"`);
        expect(error[0]).toContain(`could not write ${folder}/next/fullchain.pem`);
        expect(error[1]).toContain("No space left on device");
        expect(error[2]).toContain("Make room there");
      });
      expect(issued).toEqual(["newOrder", "challenge", "finalize"]);
      expect(await at.left()).toEqual([]);
      await at.within(`rm ${folder}/full`);
      expect(await at.asked(() => at.mends())).toEqual([]);
      report.seen("With room, one run put it there, and no other was issued");
    } finally {
      await at.within(
        `rm -rf /run/whole; cp -a ${folder} /run/whole; umount ${folder}; rm -rf ${folder}; cp -a /run/whole ${folder}; rm -rf /run/pair /run/whole ${folder}/full`,
      );
    }
  },
);

fault(
  "certificates/web-server-refuses",
  {
    done: "nginx's configuration has an error when another certificate is installed; then nginx hangs (all its processes are stopped); then it does not run",
    holds: `An error that says what nginx says; the old pair is back, and shown as soon as it answers; mended, one run installs the certificate that was issued; where nginx does not run, the pair is there for its start`,
    timeout: 240_000,
  },
  async (report) => {
    await at.wantAnother();
    const asked = await at.asked(async () => {
      await at.within(`echo 'no_such_word;' >${broken}`);
      const error = await at.fails(() => at.up());
      expect(error.join("\n")).toContain("nginx.service did not take the new certificate");
      expect(error.join("\n")).toContain('unknown directive "no_such_word"');
      expect(error.at(-1)).toContain("The old certificate is back.");
      report.seen(`Configuration: "${error.find((line) => line.includes("no_such_word"))}"`);
      await at.within(`rm ${broken}`);
      const before = await at.serial();
      await at.within("systemctl kill --signal=STOP nginx");
      const hanging = onlyError(await at.up());
      await at.within("systemctl kill --signal=CONT nginx; systemctl reload nginx");
      expect(hanging.join("\n")).toContain("nginx.service did not take the new certificate");
      expect(await at.serial()).toBe(before);
      await expect.poll(() => at.served(), { timeout: 10_000 }).toBe(before);
      report.seen(`Hanging: "${hanging[1]}"`);
      await at.mends();
    });
    expect(asked).toEqual(["newOrder", "challenge", "finalize"]);
    report.seen("One certificate was issued in all, and the run after mending installed it");
    await at.wantAnother();
    await at.within("systemctl stop nginx");
    expect((await at.up()).errors).toEqual([]);
    await at.within("systemctl start nginx");
    expect(await at.served()).toBe(await at.serial());
    report.seen("A stopped nginx showed the new one once it was started");
  },
);

/** A stack whose runs have another time than the world. The containers share this machine's clock, so it is the processes' own. */
const atAnotherTime = (shift: string) =>
  stackOf(at.lab, at.names, { LD_PRELOAD: faketime, FAKETIME: shift, FAKETIME_DONT_FAKE_MONOTONIC: "1" });

fault(
  "certificates/clock-behind",
  {
    done: "The machine where the run is has a clock an hour behind",
    holds: `An error that says that the clock is wrong, and by how much; the authority gets no order; ${kept}; with the right time one run gets the new one`,
  },
  async (report) => {
    await at.wantAnother();
    await using stack = await atAnotherTime("-3600s");
    const asked = await at.asked(async () => {
      const error = await at.fails(() => stack.up(at.declared()));
      expect(error[1]).toContain("certificate is not yet valid");
      expect(error[2]).toMatch(/the clock here is 3[56]\d\d s behind that of /);
      report.seen(`"${error[1]?.replace(/^\S+ /, "")}": "${error[2]}"`);
    });
    expect(asked).toEqual([]);
    expect(await at.left()).toEqual([]);
    await at.mends();
  },
);

fault(
  "certificates/clock-ahead",
  {
    done: "The machine where the run is has a clock a year ahead, by which the certificate has expired",
    holds: `An error that says by how much the clocks differ; the authority is not told to look; ${kept}; with the right time the next run gets the new one, and waits for no time that was noted wrongly`,
  },
  async (report) => {
    await at.wantAnother();
    await using stack = await atAnotherTime("+365d");
    const asked = await at.asked(async () => {
      const error = await at.fails(() => stack.up(at.declared()));
      expect(error[1]).toMatch(/the clocks differ: the server's is 3153\d{4} s behind ours \(BADTIME\)/);
      report.seen(`"${error[1]}"`);
    });
    expect(asked).toEqual(["newOrder"]);
    expect(await at.left()).toEqual([]);
    await using unforced = await stackOf(at.lab, at.names, { ONPREM_FORCE_CERTIFICATE: "" });
    await at.mends(unforced);
    report.seen("With the right time one run got the new one");
  },
);
