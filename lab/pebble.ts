import { X509Certificate } from "node:crypto";
import { cp } from "node:fs/promises";
import { join } from "node:path";
import { planAddresses } from "./address-plan.ts";
import { Inside } from "./inside.ts";
import { LabError } from "./lab-error.ts";
import type { LabNames } from "./names.ts";
import { addressBatch, addressFile } from "./names-files.ts";
import { authorityAddresses, testAuthorityAddresses } from "./names-plan.ts";
import {
  type AuthorityOptions,
  authorityUnits,
  certificateScript,
  certificateSettings,
  checkOptions,
  pebbleConfiguration,
  pebbleEnvironment,
} from "./pebble-files.ts";
import { type AuthorityFault, type AuthorityRequest, frontRule, readRequests } from "./pebble-front.ts";
import { type AuthorityPlaces, authorityPlaces, type WhichAuthority } from "./pebble-places.ts";
import { pebblePrograms } from "./pebble-programs.ts";
import type { Recipe } from "./recipe.ts";
import { recordedNet } from "./registry.ts";
import { writeFiles } from "./rootfs.ts";
import type { Addresses, Progress } from "./status.ts";

export type { AuthorityOptions } from "./pebble-files.ts";
export type { AuthorityFault, AuthorityRequest, AuthorityStep } from "./pebble-front.ts";

/** A certificate authority in a lab, and the ways in which it can fail. Calls follow one another: each is awaited before the next. */
export interface LabAuthority {
  /** URL of its directory (RFC 8555, section 7.1.1), by address: it is reached without any name server. */
  readonly directory: string;
  /** Whoever asks a name server of the lab's world finds it by this name, but for a test authority; its web server's certificate has it too. */
  readonly name: string;
  readonly addresses: Addresses;
  /** PEM of the root of its web server: for trust in it, not in what it issues. */
  readonly roots: string;
  /** PEM of the root of what it issues. Another one after each restart. */
  issuers(): Promise<string>;
  /** It begins anew with these options and the defaults: accounts, orders and its root are gone, and certificates lead nowhere. */
  restart(options?: AuthorityOptions): Promise<void>;
  /** Its addresses refuse connections; it forgets nothing. */
  stop(): Promise<void>;
  /** Ends `stop`. */
  start(): Promise<void>;
  /** From now on this goes wrong, instead of what went wrong before. */
  fail(fault: AuthorityFault): Promise<void>;
  /** Ends every fault, `stop` too. How it was started stays. */
  heal(): Promise<void>;
  /** What it was asked since it was placed, in order. */
  requests(): Promise<AuthorityRequest[]>;
  /** What it says from now on about when to renew a certificate (RFC 9773, section 4.2), for example `{ suggestedWindow: { start, end } }`. */
  suggest(certificate: string, renewalInfo: object): Promise<void>;
  /** Whether it has revoked a certificate that it issued. */
  revoked(certificate: string): Promise<boolean>;
}

/**
 * Puts a real certificate authority, Pebble, on the vendor's host of a lab that is up and has name servers. It validates what it issues by
 * asking `names.servers.outside`. Done again, it begins anew.
 *
 * @param which A test authority is a second one beside it: with roots, accounts, faults and a log of its own.
 */
export async function placeAuthority(
  lab: string,
  names: LabNames,
  options: AuthorityOptions,
  progress: Progress,
  which: WhichAuthority = "authority",
): Promise<LabAuthority> {
  checkOptions(options);
  const net = await recordedNet(lab);
  if (net === undefined) throw new LabError(`lab ${lab} is not up`, undefined, `npm run lab -- up --name ${lab}`);
  const programs = await pebblePrograms(progress);
  progress("putting a certificate authority on the vendor's host");
  const plan = planAddresses(net);
  const addresses = which === "authority" ? authorityAddresses(plan) : testAuthorityAddresses(plan);
  return place({ host: new Inside(lab, "vendor"), programs, addresses, names, which }, options);
}

interface Placing {
  readonly host: Inside;
  /** Folder of the programs. */
  readonly programs: string;
  readonly addresses: Addresses;
  readonly names: LabNames;
  readonly which: WhichAuthority;
}

/** Answers of what only the vendor's host itself reaches. */
const curlOf = ({ rootsFile }: AuthorityPlaces) => `curl --silent --show-error --fail --cacert ${rootsFile}`;

/** Script that waits until something succeeds. */
const waitFor = (command: string) => `
  tries=0
  until ${command} >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || { echo "in vain: ${command}" >&2; exit 1; }
    sleep 0.05
  done
`;

async function place(
  { host, programs, addresses, names, which }: Placing,
  options: AuthorityOptions,
): Promise<LabAuthority> {
  const places = authorityPlaces(which);
  const { folder, settingsFolder, faultFile, requestLog, rootsFile, pebbleUrl, managementUrl } = places;
  const curl = curlOf(places);
  const pebbleAnswers = waitFor(`${curl} ${pebbleUrl}/dir`);
  // Not by a request: those are kept.
  const frontListens = waitFor(`nc -z ${addresses.v4} 443 && nc -z ${addresses.v6} 443`);
  const write = async (files: Readonly<Record<string, string>>) => {
    const texts = Object.entries(files).map(([path, content]) => [path, { content, mode: 0o644 }] as const);
    await writeFiles(await host.root(), Object.fromEntries(texts) as Recipe["files"]);
  };
  const writeSettings = (given: AuthorityOptions) =>
    write({
      [`${settingsFolder}/pebble.json`]: pebbleConfiguration(given, places),
      [`${settingsFolder}/pebble.env`]: pebbleEnvironment(given),
    });
  const { pebble, front } = places.services;
  const services = `${pebble} ${front}`;
  await host.run(`
    systemctl stop ${services} 2>/dev/null || true
    rm -rf ${folder} ${settingsFolder} ${requestLog}
  `);
  await cp(programs, join(await host.root(), folder), { recursive: true });
  await write({
    [`/etc/systemd/network/10-lab.network.d/${which}.conf`]: addressFile([addresses]),
    [`${settingsFolder}/openssl.cnf`]: certificateSettings(addresses, places),
    ...authorityUnits(addresses, names.servers.outside, places),
  });
  await writeSettings(options);
  const roots = await host.run(
    `ip -batch -
    (${certificateScript(places)})
    systemctl daemon-reload
    systemctl enable --now --quiet ${services}
    ${pebbleAnswers}${frontListens}
    cat ${rootsFile}
    `,
    addressBatch([addresses]),
  );
  return {
    directory: `https://${addresses.v4}/dir`,
    name: places.name,
    addresses,
    roots,
    issuers: () => host.run(`${curl} ${managementUrl}/roots/0`),
    restart: async (given = {}) => {
      await writeSettings(given);
      await host.run(`systemctl restart ${pebble}\n${pebbleAnswers}`);
    },
    stop: async () => {
      await host.run(`systemctl stop ${front}`);
    },
    start: async () => {
      await host.run(`systemctl start ${front}\n${frontListens}`);
    },
    fail: async (fault) => {
      // Renamed into its place, so that nothing half-written is read.
      await host.run(`cat >${faultFile}.new; mv ${faultFile}.new ${faultFile}`, JSON.stringify(frontRule(fault)));
    },
    heal: async () => {
      await host.run(`rm -f ${faultFile}; systemctl start ${front}\n${frontListens}`);
    },
    requests: async () => readRequests(await host.run(`cat ${requestLog}`)),
    suggest: async (certificate, renewalInfo) => {
      const body = JSON.stringify({ Certificate: certificate, ARIResponse: JSON.stringify(renewalInfo) });
      await host.run(`${curl} --data-binary @- ${managementUrl}/set-renewal-info/`, body);
    },
    revoked: async (certificate) => {
      const serial = new X509Certificate(certificate).serialNumber;
      const { Status } = JSON.parse(await host.run(`${curl} ${managementUrl}/cert-status-by-serial/${serial}`));
      return Status === "Revoked";
    },
  };
}
