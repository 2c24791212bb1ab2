import { expect, test } from "vitest";
import { accounting } from "../../../scripts/bench/control-group.ts";

test.each([
  {
    what: "v1",
    groups: "3:cpuset:/\n2:cpuacct:/a/b\n1:cpu:/a\n0::/\n",
    unified: true,
    path: "/sys/fs/cgroup/cpuacct/a/b",
  },
  { what: "v1, joined", groups: "4:cpu,cpuacct:/a\n", unified: false, path: "/sys/fs/cgroup/cpu,cpuacct/a" },
  { what: "v2", groups: "0::/user.slice/x\n", unified: false, path: "/sys/fs/cgroup/user.slice/x" },
  { what: "v2 beside v1", groups: "1:memory:/\n0::/x\n", unified: true, path: "/sys/fs/cgroup/unified/x" },
])("CPU time is accounted in $what", ({ groups, unified, path }) => {
  expect(accounting(groups, () => unified)).toBe(path);
});
