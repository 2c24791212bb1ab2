import type { ServerRequirements } from "../provider/resources/facts-requirements.ts";
import type { Requirements } from "../settings/requirements.ts";

/** The editions of the guide, as what a server must have: SRV-3 to SRV-6, and the newer one's sizes. */
export const profiles = {
  "2020": { cores: 4, memoryGiB: 16, diskGB: 60, ssd: true, os: [{ id: "ubuntu", releases: ["20.04"] }] },
  "2026": { cores: 8, memoryGiB: 16, diskGB: 250, ssd: true, os: [{ id: "ubuntu", releases: ["24.04"] }] },
} satisfies Record<Requirements["profile"], ServerRequirements>;

/** What a server must have: the profile, and in place of it whatever is overridden (Q-SRV-1, Q-SRV-2). Pure. */
export function required({ profile, override }: Requirements): ServerRequirements {
  const { releases, ...sizes } = override;
  const given = Object.fromEntries(Object.entries(sizes).filter(([, value]) => value !== undefined));
  const systems = (["ubuntu", "debian"] as const).flatMap((id) => {
    const allowed = releases?.[id];
    return allowed === undefined ? [] : [{ id, releases: allowed }];
  });
  return { ...profiles[profile], ...given, ...(systems.length === 0 ? {} : { os: systems }) };
}
