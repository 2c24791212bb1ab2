import { Failure } from "../failure.ts";
import type { Caa } from "./resource-record.ts";

/** The CAA record by which only our account at one authority may get certificates, and only by DNS (RFC 8657). */
export interface Permission {
  /** By which the authority is known in CAA records: `letsencrypt.org`. */
  readonly issuer: string;
  /** Without it, any account at the authority may. */
  readonly accountUri?: string;
}

export function caaRecord({ issuer, accountUri }: Permission): Caa {
  const account = accountUri === undefined ? [] : [`accounturi=${plainValue(accountUri)}`];
  const value = [plainValue(issuer), ...account, "validationmethods=dns-01"].join("; ");
  return { flags: 0, tag: "issue", value };
}

/** The record's data as instructions and zone files have it: `0 issue "letsencrypt.org; validationmethods=dns-01"`. */
export function caaLine(permission: Permission): string {
  const { flags, tag, value } = caaRecord(permission);
  return `${flags} ${tag} "${value}"`;
}

/** Whether a text can stand in the value of a CAA record as it is (RFC 8659, section 4.2). */
export function isPlainValue(text: string): boolean {
  return /^[\x21-\x3a\x3c-\x7e]+$/.test(text) && !/["\\]/.test(text);
}

/** What an authority calls an account goes into customers' zone files: nothing that would end the value there. */
function plainValue(text: string): string {
  if (isPlainValue(text)) return text;
  throw new Failure({
    what: "could not write a CAA record",
    why: `${JSON.stringify(text)} cannot stand in its value (RFC 8659, section 4.2)`,
  });
}
