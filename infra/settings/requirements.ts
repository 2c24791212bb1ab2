import { z } from "zod";

const overrides = {
  cores: z.int().min(1).optional().describe("CPU cores."),
  memoryGiB: z.number().positive().optional().describe("Memory in GiB."),
  diskGB: z
    .number()
    .positive()
    .optional()
    .describe("Size in GB (10^9 bytes) of the disk that holds the root file system."),
  ssd: z.boolean().optional().describe("Whether that disk must be an SSD."),
  releases: z
    .strictObject({
      ubuntu: z.array(z.string().min(1)).min(1).optional().describe("Releases of Ubuntu, such as `24.04`."),
      debian: z.array(z.string().min(1)).min(1).optional().describe("Releases of Debian, such as `12`."),
    })
    .optional()
    .describe("Operating systems that are accepted instead of the profile's."),
};

/** What the server must have before anything is changed on it (SRV-3 to SRV-6). */
export const requirements = z.strictObject({
  profile: z
    .preprocess((given) => (typeof given === "number" ? String(given) : given), z.enum(["2020", "2026"]))
    .prefault("2020")
    .describe(
      "Edition of the guide that sizes the servers: `2020` is 4 cores, 16 GiB, 60 GB SSD and Ubuntu 20.04; `2026` is 8 cores, 16 GiB, 250 GB SSD and Ubuntu 24.04.",
    ),
  override: z
    .strictObject(overrides)
    .default({})
    .describe("What is asked for instead of the profile's value. Each one is shown as a warning in every run."),
});

/** The requirements of a stack. */
export type Requirements = z.output<typeof requirements>;
