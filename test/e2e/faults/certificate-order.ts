import { expect, inject } from "vitest";
import { type LabNames, placeNames } from "../../../lab/names.ts";
import { type LabAuthority, placeAuthority } from "../../../lab/pebble.ts";
import { accountAndCertificate } from "../acme-declared.ts";
import { connectionTo } from "../on-lab.ts";
import { OwnLab } from "../own-lab.ts";
import type { Declared } from "../project/index.ts";
import { type Run, Stack } from "../stack.ts";
import { onlyError } from "./trouble.ts";

/** The server's name, which the certificate is for. */
export const host = "os2mo.kommune.test";
const challenge = `_acme-challenge.${host}`;
const folder = "/etc/onprem/tls";
const live = `${folder}/live/fullchain.pem`;
const serialOf = "openssl x509 -noout -serial | cut -d = -f 2";

/** What is asked of an authority by an order; looks at its directory and at when to renew are left out. */
const ofOrders = ["newOrder", "challenge", "finalize"];

/** A lab with name servers, an authority, and a server that shows a certificate of it by nginx. */
export class CertificateLab implements AsyncDisposable {
  readonly lab: OwnLab;
  readonly names: LabNames;
  readonly authority: LabAuthority;
  readonly stack: Stack;
  /** Of the key that was asked for last; another one asks for another certificate. */
  #keyType = "ecdsa-p256";

  private constructor(lab: OwnLab, names: LabNames, authority: LabAuthority, stack: Stack) {
    [this.lab, this.names, this.authority, this.stack] = [lab, names, authority, stack];
  }

  /** @param more Whole names of hosts, besides the server's, whose challenges may be answered. */
  static async up(more: readonly string[] = []): Promise<CertificateLab> {
    const lab = await OwnLab.up();
    const names = await placeNames(lab.status.name, { hosts: [host, ...more] }, () => undefined);
    // Each order is proved anew, and no request is asked twice.
    const options = { sleep: 0, nonceReject: 0, reuse: 0 };
    const authority = await placeAuthority(lab.status.name, names, options, () => undefined);
    const made = new CertificateLab(lab, names, authority, await stackOf(lab, names));
    await names.customer.write(made.records());
    await made.within(
      `exec >/dev/null 2>&1; apt-get update; apt-get install -y --no-install-recommends nginx; systemctl stop nginx`,
    );
    expect((await made.up()).errors).toEqual([]);
    await made.within(
      `printf 'server { listen 443 ssl; server_name ${host}; ssl_certificate ${live}; ssl_certificate_key /etc/onprem/tls/live/key.pem; }' >/etc/nginx/conf.d/lab.conf; systemctl start nginx`,
    );
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stack[Symbol.asyncDispose]();
    await this.lab.down();
  }

  within(script: string): Promise<string> {
    return this.lab.within("prod", script);
  }

  /** The customer's records; others in the place of the challenge's. */
  records(...challenges: string[]): string[] {
    const target = (name: string) => `${name}.${this.names.vendor.zone}.`;
    const right = `_acme-challenge.os2mo CNAME ${target(challenge)}`;
    return [`os2mo CNAME ${target(host)}`, ...(challenges.length > 0 ? challenges : [right])];
  }

  /** An account and a certificate, as a program declares them. @param secret Key of the configuration that has the TSIG key's secret. */
  declared(certificate: object = {}, key?: object, secret?: string): Declared[] {
    const place = { names: this.names, authority: this.authority, host };
    return accountAndCertificate(place, { keyType: this.#keyType, patience: 5, ...certificate }, key, secret);
  }

  up(...args: Parameters<CertificateLab["declared"]>): Promise<Run> {
    return this.stack.up(this.declared(...args));
  }

  /** From now on another certificate is wanted: one with a key of another type. */
  async wantAnother(): Promise<void> {
    const text = await this.within(`openssl x509 -noout -text -in ${live}`);
    this.#keyType = text.includes("P-256") ? "ecdsa-p384" : "ecdsa-p256";
  }

  /** A run that goes wrong: the lines of its error. The old pair stands, and is shown. */
  async fails(run: () => Promise<Run>): Promise<string[]> {
    const before = await this.serial();
    expect(before).toMatch(/^[0-9A-F]+$/);
    const error = onlyError(await run());
    expect([await this.serial(), await this.served()]).toEqual([before, before]);
    return error;
  }

  /** All is well again: one run gets the certificate that is wanted, which is shown; the next has nothing to do; nothing is left in DNS. */
  async mends(stack = this.stack): Promise<void> {
    const before = await this.serial();
    const { errors, warnings } = await stack.up(this.declared());
    expect([errors, warnings]).toEqual([[], []]);
    const now = await this.serial();
    expect(now).not.toBe(before);
    expect(await this.served()).toBe(now);
    expect(await this.left()).toEqual([]);
    expect((await stack.preview(this.declared(), "--expect-no-changes")).code).toBe(0);
  }

  /** Of the certificate that is live in a folder. */
  serial(where = folder): Promise<string> {
    return this.within(`cat ${where}/live/fullchain.pem | ${serialOf}`);
  }

  /** Of the certificate that the web server shows for a name. */
  served(name = host): Promise<string> {
    return this.within(
      `timeout 5 openssl s_client -connect 127.0.0.1:443 -servername ${name} </dev/null 2>/dev/null | ${serialOf}`,
    );
  }

  /** Challenges' values that stand at any name server of the vendor's zone; each must answer. */
  async left(servers: readonly ("vendor1" | "vendor2")[] = ["vendor1", "vendor2"]): Promise<string[]> {
    const asked = servers.map(
      (name) => `dig +short +norecurse @${this.names.servers[name].v4} TXT ${challenge}.${this.names.vendor.zone}`,
    );
    const said = await this.lab.within("vendor", asked.join("\n"));
    return said.split("\n").filter((line) => line !== "");
  }

  /** What the authority was asked by orders while something went on, step by step. */
  async asked(work: () => Promise<unknown>): Promise<string[]> {
    const before = (await this.authority.requests()).length;
    await work();
    const since = (await this.authority.requests()).slice(before);
    return since.map(({ step }) => String(step)).filter((step) => ofOrders.includes(step));
  }
}

/** A stack on the server whose runs do not wait for a minute after one that failed. @param env More for the engine and the provider. */
export function stackOf(lab: OwnLab, names: LabNames, env: NodeJS.ProcessEnv = {}): Promise<Stack> {
  return Stack.create({
    env: { ...process.env, ...inject("engine"), ONPREM_FORCE_CERTIFICATE: "1", ...env },
    connection: connectionTo(lab.machine("prod")),
    secrets: {
      tsig: names.vendor.keys.challenges.secret,
      wrong: names.vendor.keys.records.secret,
    },
  });
}
