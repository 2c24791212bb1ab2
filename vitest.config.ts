import { defineConfig } from "vitest/config";
import { labsAtATime } from "./scripts/test-labs.ts";

// Two projects: `unit` needs nothing but Node, `e2e` brings up labs of its own and needs root. Unit tests run first.
export default defineConfig({
  test: {
    // A lab takes its time to go down.
    teardownTimeout: 120_000,
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/e2e/**"],
          // A loaded machine is slow, which is no mistake; nothing here is tested by its time.
          testTimeout: 60_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: "e2e",
          include: ["test/e2e/**/*.test.ts"],
          globalSetup: ["test/e2e/lab-setup.ts"],
          // A file that brings up a lab of its own names it after its process.
          pool: "forks",
          // A lab for each worker, so that nobody waits for a turn; whoever keeps a lab running has one.
          maxWorkers: process.env.ONPREM_LAB ? 1 : labsAtATime,
          // Two cores that emulate a machine beside it are sometimes too slow for a test; the report says which were tried again.
          retry: process.env.CI ? 1 : 0,
          testTimeout: 120_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
