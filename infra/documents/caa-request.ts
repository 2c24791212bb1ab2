import { caaLine } from "../provider/dns/caa-record.ts";
import type { DnsRequestSettings } from "./dns-records.ts";
import { zoneOwner } from "./zone-owner.ts";

/** A CAA record that a customer whose domain names authorities already must add. */
export interface CaaRequest {
  /** The zone at whose top it stands. */
  readonly owner: string;
  /** `0 issue "letsencrypt.org; validationmethods=dns-01"` */
  readonly data: string;
}

/**
 * The CAA records by which the authority may issue for some servers by DNS alone (RFC 8659, RFC 8657); to the servers' accounts alone, where
 * those of all servers in a zone are known, for a record without would let anybody's. None where nothing says by what name CAA records
 * know the authority.
 */
export function caaRequests(stacks: readonly DnsRequestSettings[]): CaaRequest[] {
  const wanted = stacks.flatMap((settings) => {
    const { dns, https, server } = settings;
    // One of an authority's names is enough.
    const [issuer] = dns.issuers;
    const { zone: owner } = zoneOwner(server.hostname, settings);
    return issuer === undefined ? [] : [{ owner, issuer, accountUri: https.acme?.account }];
  });
  const requests = wanted.map(({ owner, issuer, accountUri }) => {
    const beside = wanted.filter((other) => other.owner === owner && other.issuer === issuer);
    const isBound = beside.every((other) => other.accountUri !== undefined);
    return { owner, data: caaLine(isBound && accountUri !== undefined ? { issuer, accountUri } : { issuer }) };
  });
  return [...new Map(requests.map((request) => [`${request.owner} ${request.data}`, request])).values()];
}
