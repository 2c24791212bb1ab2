import { expect } from "vitest";
import { ChangeUndone, StepFailed } from "../../../infra/provider/host/errors.ts";
import { run, type Step } from "../../../infra/provider/step.ts";
import {
  chain,
  change,
  eachOnHost,
  failure,
  firstLine,
  guard,
  newLogins,
  onHost,
  path,
  rules,
  stands,
  traces,
  untouched,
} from "../guarded.ts";
import { machine } from "../on-lab.ts";
import { watchAccess } from "./access.ts";
import { fault, type Report } from "./fault.ts";

// Faults of the server itself while a guarded change is prepared or waits. The design's decision 6.

const host = eachOnHost();

fault(
  "lock-out/reboot-in-the-window",
  {
    done: "The server rebooted in the window of a change that also stopped sshd from starting at boot",
    holds: "It comes up with the old files, sshd runs again, and the run learns that the change was undone",
    timeout: 240_000,
  },
  async (report) => {
    // Until it is killed: a reboot is ordered in no time, and sshd may live on for long enough to take a confirmation.
    await undoneByBoot(report, run("reboot", ["sh", "-c", "systemctl reboot && sleep 60"]));
  },
);

fault(
  "lock-out/reboot-that-waits",
  {
    done: "A reboot ordered in the window by somebody else, for which the system waits (an inhibitor, as automatic updates hold one): sshd still lets everybody in, with a file that will keep it from starting",
    holds: "The confirmation is refused, and the server comes up with the old files",
    timeout: 240_000,
  },
  async (report) => {
    await onHost("systemd-run --quiet --collect systemd-inhibit --what=shutdown --mode=delay sleep 60");
    const error = await undoneByBoot(report, run("reboot", ["systemctl", "reboot"]));
    expect(error.message).toContain("the host went down before it was confirmed\n");
  },
);

fault(
  "lock-out/disk-full-while-saving",
  {
    done: "No room on the server for what the guard saves before the change",
    holds: "Nothing is changed and nothing is left, and the error says what there is no room for",
  },
  async (report) => {
    await onHost("mkdir -p /var/lib/onprem && mount -t tmpfs -o size=64k,mode=0700 tmpfs /var/lib/onprem");
    try {
      const error = await failure(host().perform([change()], { ...guard, files: ["/usr/bin/perl"] }));
      expect(error).toBeInstanceOf(StepFailed);
      expect(error.message).toMatch(/nothing was changed\n.*No space left on device/);
      expect(await stands()).toBe(untouched);
      report.seen(error.message.split("\n").slice(0, 2).join(": ").replace(/ {2,}/g, ""));
    } finally {
      await onHost("umount /var/lib/onprem");
    }
    expect(await traces()).toBe("");
  },
);

fault(
  "lock-out/disk-full-in-the-window",
  {
    done: "The file system of a guarded file fills up completely after the change, which also cut us off: the restore has no room for a copy",
    holds:
      "The restore is tried again until there is room; the log says what is missing, and the server is then as it was",
    timeout: 180_000,
  },
  async (report) => {
    // A small file system of its own for the file, so that nothing but it is full.
    const folder = "/srv/onprem-small";
    const file = `${folder}/guarded`;
    await onHost(`mkdir -p ${folder}; mount -t tmpfs -o size=256k tmpfs ${folder}; head -c 100000 /dev/zero >${file}`);
    try {
      await using access = watchAccess(machine("test"));
      const fill = `printf new >${file}; dd if=/dev/zero of=${folder}/full bs=4k 2>/dev/null || :`;
      const steps = [run("fill the disk", ["sh", "-c", fill]), rules(chain("input", newLogins))];
      const ended = failure(host().perform(steps, { ...guard, files: [file], seconds: 7 }));
      const journal = () => onHost("journalctl -t onprem-guard -o cat -n 20");
      await expect.poll(journal, { timeout: 40_000, interval: 500 }).toContain(`could not put back ${file}`);
      await onHost(`rm ${folder}/full`);
      const error = await ended;
      expect(error).toBeInstanceOf(ChangeUndone);
      report.accessBack(await access.outage());
      expect(await onHost(`stat -c %s ${file}`)).toBe("100000");
      report.seen(`The journal said "could not put back ${file}"; with room again it was undone: ${firstLine(error)}`);
    } finally {
      await onHost(`umount ${folder}; rmdir ${folder}`);
    }
  },
);

/** A change that also keeps sshd from starting, and a reboot in its window: the server comes up with the old files. How the run ends. */
async function undoneByBoot(report: Report, reboot: Step): Promise<Error> {
  const dropIn = "/etc/ssh/sshd_config.d/05-fault.conf";
  await using access = watchAccess(machine("test"));
  const steps = [change(), run("break sshd", ["sh", "-c", `echo ThisIsNoKeyword >${dropIn}`]), reboot];
  const started = () => onHost("cut -d ' ' -f 22 /proc/1/stat");
  const before = await started();
  const error = await failure(host().perform(steps, { ...guard, files: [...guard.files, dropIn], seconds: 60 }));
  expect(error).toBeInstanceOf(ChangeUndone);
  await access.lost();
  report.accessBack(await access.outage());
  expect(await started()).not.toBe(before);
  expect((await host().look(["cat", path])).stdout).toBe("before");
  expect((await host().look(["stat", "-c", "%U:%G %a", path])).stdout).toBe("games:users 640\n");
  expect(await onHost(`ls ${dropIn} 2>/dev/null || :`)).toBe("");
  // With the broken file it would have failed at its first start.
  expect(await onHost("systemctl show --value --property=ActiveState,NRestarts ssh.service")).toBe("0\nactive");
  report.seen(`${firstLine(error)}; sshd started at once, with the old files`);
  return error;
}
