import { expect, test } from "vitest";
import { describeCommit, describeMachine, machineInWords } from "../../scripts/measured-on.ts";

test("says on what and from which commit something was measured", async () => {
  expect(machineInWords(await describeMachine())).toMatch(
    /^.+ with \d+ cores and \d+ GiB, .+, Linux \d+\..+, Node \d+\.\d+\.\d+, load average \d+\.\d at the start$/,
  );
  expect(await describeCommit(["infra"])).toMatch(/^([0-9a-f]{7,}( with changes)?|unknown)$/);
});
