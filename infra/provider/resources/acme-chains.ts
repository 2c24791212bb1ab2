import { readCertificate } from "../acme/certificate.ts";
import { chainProblems } from "../acme/chain.ts";
import { sameNames } from "../acme/same-names.ts";
import type { Host } from "../host/host.ts";
import { write } from "../step.ts";
import type { AcmeCertificateWant } from "./acme-certificate.ts";
import { fingerprintOf, type IssuedNote, issuedOf } from "./acme-certificate-texts.ts";

/**
 * Fingerprints of certificates that are due no more in this process: what it has got, for an authority may want one renewed from its first
 * moment on; and what it could not renew, and can wait.
 */
export const settledHere = new Set<string>();

/** Whether a run before has got the chain that is wanted, and only did not install it. */
export async function isThere(host: Host, want: AcmeCertificateWant, publicKey: string): Promise<boolean> {
  const issued = await issuedIn(host, `${want.folder}/next`, want.directory);
  if (issued === undefined || issued.profile !== (want.profile ?? "")) return false;
  const { chain } = issued;
  if (chainProblems(chain, { names: want.names, publicKey, now: new Date() }).length > 0) return false;
  settledHere.add(fingerprintOf(chain));
  return true;
}

/** The certificate that is live, where this authority gave it. */
export interface Live {
  /** None where there is none. */
  readonly names: readonly string[];
  /** Renewal id (RFC 9773, section 4.1), where a new one replaces it: of the same names and profile. */
  readonly replaces?: string;
}

export async function liveOf(host: Host, want: AcmeCertificateWant): Promise<Live> {
  const issued = await issuedIn(host, `${want.folder}/live`, want.directory);
  if (issued === undefined) return { names: [] };
  const { names, renewalId } = readCertificate(issued.chain);
  const isSame = issued.profile === (want.profile ?? "") && sameNames(names, want.names);
  return { names, ...(isSame && renewalId !== undefined ? { replaces: renewalId } : {}) };
}

/** A chain whose note says that it was got from an authority, and of which profile. */
async function issuedIn(
  host: Host,
  folder: string,
  directory: string,
): Promise<{ readonly chain: string; readonly profile: string } | undefined> {
  const [[chainFile], [noteFile]] = (await Promise.all(
    ["fullchain.pem", "issued.json"].map((name) => host.inspect(`${folder}/${name}`, { content: 1024 * 1024 })),
  )) as [Awaited<ReturnType<Host["inspect"]>>, Awaited<ReturnType<Host["inspect"]>>];
  if (chainFile === undefined || noteFile === undefined) return undefined;
  const chain = new TextDecoder().decode(chainFile.content);
  const note = issuedOf(noteFile.content, chain);
  return note?.directory === directory ? { chain, profile: note.profile } : undefined;
}

/** Puts a chain beside its key, with a note of who gave it. */
export async function keep(
  host: Host,
  { folder, directory, profile = "" }: AcmeCertificateWant,
  chain: string,
): Promise<void> {
  const note: IssuedNote = { directory, profile, fingerprint: fingerprintOf(chain) };
  settledHere.add(note.fingerprint);
  const file = { owner: "root", group: "root", mode: "0600" };
  await host.perform([
    // The chain last: with it, all is there.
    ...Object.entries({ "issued.json": `${JSON.stringify(note)}\n`, "fullchain.pem": chain }).map(([name, content]) =>
      write(`write ${folder}/next/${name}`, { ...file, path: `${folder}/next/${name}`, content }),
    ),
  ]);
}
