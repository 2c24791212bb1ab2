import { authorityName } from "./names-plan.ts";

/** Which of the authorities that a lab has room for: the authority, or the one that is asked first for what is new, as a test. */
export type WhichAuthority = "authority" | "test-authority";

/** What is at fixed places on the vendor's host. */
export interface AuthorityPlaces {
  /** By which CAA records name it, and which its web server's certificate has. */
  readonly name: string;
  /** Its programs. */
  readonly folder: string;
  /** Configurations, keys and certificates. */
  readonly settingsFolder: string;
  /** A file that is there while something is wrong. */
  readonly faultFile: string;
  /** A line for each request. */
  readonly requestLog: string;
  /** What signed the certificate of the authority's web server. */
  readonly rootsFile: string;
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Pebble itself, which only the machine reaches. */
  readonly pebbleUrl: string;
  /** Where it tells and takes what no real authority would. */
  readonly managementUrl: string;
  readonly services: { readonly pebble: string; readonly front: string };
}

/** Everything of one authority is called after it, so that both stand side by side. */
export function authorityPlaces(which: WhichAuthority): AuthorityPlaces {
  const isTest = which === "test-authority";
  const settingsFolder = `/etc/${which}`;
  return {
    name: isTest ? `test-${authorityName}` : authorityName,
    folder: `/opt/${which}`,
    settingsFolder,
    faultFile: `${settingsFolder}/fault.json`,
    requestLog: `/var/log/${which}-requests.log`,
    rootsFile: `${settingsFolder}/roots.pem`,
    certificateFile: `${settingsFolder}/tls.pem`,
    keyFile: `${settingsFolder}/tls.key`,
    pebbleUrl: `https://127.0.0.1:${isTest ? 14_001 : 14_000}`,
    managementUrl: `https://127.0.0.1:${isTest ? 15_001 : 15_000}`,
    services: { pebble: `${which}-pebble.service`, front: `${which}-front.service` },
  };
}
