import { expect, test } from "vitest";
import { required } from "../../../infra/components/required.ts";

const ubuntu = (release: string) => [{ id: "ubuntu", releases: [release] }];

test.each([
  {
    name: "SRV-3, SRV-4, SRV-5, SRV-6, Q-SRV-1: 4 cores, 16 GiB, 60 GB SSD, Ubuntu 20.04",
    given: { profile: "2020", override: {} } as const,
    wanted: { cores: 4, memoryGiB: 16, diskGB: 60, ssd: true, os: ubuntu("20.04") },
  },
  {
    name: "the guide's newer edition",
    given: { profile: "2026", override: {} } as const,
    wanted: { cores: 8, memoryGiB: 16, diskGB: 250, ssd: true, os: ubuntu("24.04") },
  },
  {
    name: "Q-SRV-2: another release, and sizes of one's own",
    given: { profile: "2020", override: { cores: 2, ssd: false, releases: { ubuntu: ["22.04", "24.04"] } } } as const,
    wanted: {
      cores: 2,
      memoryGiB: 16,
      diskGB: 60,
      ssd: false,
      os: [{ id: "ubuntu", releases: ["22.04", "24.04"] }],
    },
  },
  {
    name: "both systems",
    given: { profile: "2020", override: { releases: { debian: ["12"], ubuntu: ["24.04"] } } } as const,
    wanted: {
      cores: 4,
      memoryGiB: 16,
      diskGB: 60,
      ssd: true,
      os: [...ubuntu("24.04"), { id: "debian", releases: ["12"] }],
    },
  },
])("$name", ({ given, wanted }) => {
  expect(required(structuredClone(given) as unknown as Parameters<typeof required>[0])).toEqual(wanted);
});
