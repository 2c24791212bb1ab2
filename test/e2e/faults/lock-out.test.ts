import { expect } from "vitest";
import { run } from "../../../infra/provider/step.ts";
import { chain, guard, newLogins, onHost, rules } from "../guarded.ts";
import { machine } from "../on-lab.ts";
import { fault } from "./fault.ts";
import { lockedOut, undoneAtOnce, undoneByItself } from "./locked-out.ts";

// Each breaks the server `test` under a guard. The design's decision 6, NET-1, ACC-2.

const sudoers = { files: [...guard.files, "/etc/sudoers.d"] };
const sshd = {
  files: [...guard.files, "/etc/ssh/sshd_config.d/05-fault.conf"],
  restore: [...guard.restore, ["systemctl", "restart", "ssh.service"]],
};
const sshdWith = (line: string) => [
  run("write settings of sshd", ["sh", "-c", `printf '%s\\n' '${line}' >/etc/ssh/sshd_config.d/05-fault.conf`]),
  run("restart sshd", ["systemctl", "restart", "ssh.service"], { exits: [0, 1] }),
];

fault(
  "lock-out/new-connections-dropped",
  { done: "Rules that drop new connections to port 22 and keep established ones", holds: undoneByItself },
  (report) => lockedOut(report, [rules(chain("input", newLogins))]),
);

fault(
  "lock-out/everything-dropped",
  { done: "Rules that drop every packet, in and out", holds: undoneByItself },
  (report) => lockedOut(report, [rules(chain("input", "", "drop") + chain("output", "", "drop"))]),
);

fault(
  "lock-out/answers-dropped",
  { done: "Rules that let everything in and drop the server's answer to each new connection", holds: undoneByItself },
  (report) => lockedOut(report, [rules(chain("output", "ct state established tcp sport 22 ct packets < 20 drop"))]),
);

fault("lock-out/sshd-wrong-port", { done: "sshd moved to port 2222 and restarted", holds: undoneByItself }, (report) =>
  lockedOut(report, sshdWith("Port 2222"), { guard: sshd }),
);

fault(
  "lock-out/sshd-broken-configuration",
  { done: "A configuration that sshd refuses, and a restart: no sshd runs any more", holds: undoneByItself },
  (report) => lockedOut(report, sshdWith("ThisIsNoKeyword yes"), { guard: sshd }),
);

fault("lock-out/sshd-stopped", { done: "sshd stopped", holds: undoneByItself }, (report) =>
  lockedOut(report, [run("stop sshd", ["systemctl", "stop", "ssh.service", "ssh.socket"], { exits: [0, 5] })], {
    guard: { restore: [...guard.restore, ["systemctl", "start", "ssh.service"]] },
  }),
);

fault(
  "lock-out/sudoers-broken",
  { done: "A file in /etc/sudoers.d that sudo cannot read any more", holds: undoneAtOnce },
  (report) =>
    lockedOut(report, [run("break sudo", ["sh", "-c", "echo 'deploy ALL=(ALL' >/etc/sudoers.d/deploy"])], {
      guard: sudoers,
    }),
);

fault(
  "lock-out/sudoers-removed",
  { done: "/etc/sudoers.d moved away: the account logs in, but cannot become root", holds: undoneAtOnce },
  (report) =>
    lockedOut(report, [run("break sudo", ["mv", "/etc/sudoers.d", "/etc/sudoers.d.away"])], {
      guard: sudoers,
      undo: "rm -rf /etc/sudoers.d.away",
    }),
);

fault(
  "lock-out/account-expired",
  { done: "Our account expired: the key is right, but PAM lets nobody in", holds: undoneByItself },
  (report) =>
    lockedOut(report, [run("expire the account", ["chage", "-E", "1", "deploy"])], {
      guard: { files: [...guard.files, "/etc/shadow"] },
    }),
);

fault(
  "lock-out/address-removed",
  { done: "The address that we arrive at removed from the server's interface", holds: undoneByItself },
  (report) => {
    const { v4 } = machine("test").addresses;
    const gateway = v4.replace(/\d+$/, "1");
    return lockedOut(report, [run("remove the address", ["ip", "address", "del", `${v4}/26`, "dev", "host0"])], {
      guard: {
        restore: [
          ...guard.restore,
          ["ip", "address", "replace", `${v4}/26`, "dev", "host0"],
          ["ip", "route", "replace", "default", "via", gateway, "dev", "host0"],
        ],
      },
    });
  },
);

fault("lock-out/route-removed", { done: "The route back to us removed", holds: undoneByItself }, (report) => {
  const gateway = machine("test").addresses.v4.replace(/\d+$/, "1");
  return lockedOut(report, [run("remove the route", ["ip", "route", "del", "default"])], {
    guard: { restore: [...guard.restore, ["ip", "route", "replace", "default", "via", gateway, "dev", "host0"]] },
  });
});

fault(
  "lock-out/restore-fails-first",
  {
    done: "New connections dropped, and a restore whose first command fails the first time",
    holds: "The server tries again until all of it is undone",
  },
  (report) => {
    const flag = "/run/onprem-second";
    const stubborn = ["sh", "-c", `test -e ${flag} || { touch ${flag}; echo not yet; exit 1; }`];
    return lockedOut(report, [rules(chain("input", newLogins))], {
      guard: { restore: [stubborn, ...guard.restore] },
      undo: `rm ${flag}`,
      besides: async () => {
        const journal = await onHost("journalctl -t onprem-guard -o cat -n 4");
        expect(journal.split("\n").map((line) => line.replace(/^trial-[0-9a-f]{8}: /, ""))).toEqual([
          "undoing it",
          expect.stringMatching(/^failed: sh -c .*: not yet$/),
          "undoing it",
          "undone, the host is as it was before",
        ]);
        report.seen("Its journal tells of the failed attempt and of the second one");
      },
    });
  },
);
