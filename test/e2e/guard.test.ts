import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { ChangeInProgress, ChangeUndone, StepFailed } from "../../infra/provider/host/errors.ts";
import { confirmScript } from "../../infra/provider/host/guard-texts.ts";
import { connect, type SshHost } from "../../infra/provider/host/ssh-host.ts";
import { type Guard, run, type Step, write } from "../../infra/provider/step.ts";
import { statusLab } from "../../lab/lab.ts";
import { connectionTo, lab, machine, within } from "./on-lab.ts";

// Each test breaks a real server and looks at it through its namespaces, which no firewall closes.

const path = "/etc/onprem-guarded";
const bare = "/etc/onprem-not-there";
const seconds = 10;

let host: SshHost;
let said: string[];

beforeEach(async () => {
  said = [];
  await onHost(
    `rm -rf ${path} ${bare}; nft flush ruleset; printf before >${path}; chown games:users ${path}; chmod 0640 ${path}`,
  );
  host = await open();
});

afterEach(async () => {
  await host.close();
  await onHost("nft flush ruleset; systemctl start ssh; rm -rf /var/lib/onprem/guard");
});

const open = () => connect({ ...connectionTo(machine("test")), name: "test" }, { say: (_, text) => said.push(text) });
// Asked anew each time: a reboot gives the machine another PID 1.
const onHost = async (script: string) => {
  const now = (await statusLab(lab().name))?.machines.find(({ name }) => name === "test");
  return within(now ?? machine("test"), script);
};
const change = (content = "after") =>
  write(`write ${path}`, { path, content, owner: "root", group: "root", mode: "0644" });
const rules = (text: string): Step => run("load rules", ["nft", "-f", "-"], { stdin: text });

const guard: Guard = {
  name: "trial",
  files: [path, bare],
  save: { rules: ["nft", "list", "ruleset"] },
  restore: [
    ["nft", "flush", "ruleset"],
    ["nft", "-f", "{rules}"],
  ],
  seconds,
};

/** What the guard may leave on a host: nothing. */
const traces = () =>
  onHost(
    "find /var/lib/onprem /etc/systemd/system /run/systemd/system -name '*guard*' 2>/dev/null || :; systemctl list-units --all --no-legend 'onprem-guard*'",
  );
const stands = () => onHost(`cat ${path}; stat -c ' %U:%G %a' ${path}; nft list ruleset; ls ${bare} 2>/dev/null || :`);
const untouched = "before games:users 640";

async function failure(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable("it was to fail"),
    (error) => error,
  );
}

async function timed(work: Promise<unknown>): Promise<{ error: Error; after: number }> {
  const began = performance.now();
  const error = await failure(work);
  return { error, after: (performance.now() - began) / 1000 };
}

describe("a change that does not lock us out", () => {
  test("is kept, over a new connection that takes the place of the old one, and leaves nothing behind", async () => {
    await host.perform([change()], guard);
    expect(await stands()).toBe("after root:root 644");
    expect(await traces()).toBe("");
    expect(host.stats.connections).toBe(2);
    await host.look(["true"]);
    expect(host.stats.connections).toBe(2);
    await expect.poll(() => onHost("ss -Htn state established 'sport = :22' | wc -l")).toBe("1");
    await onHost("sleep 11");
    expect(await stands()).toBe("after root:root 644");
  });

  test("is kept although one packet in five is lost", async () => {
    const lossy = "ct state new,established meta l4proto tcp numgen random mod 5 == 0 drop";
    const chain = (hook: string) => `chain ${hook} {\ntype filter hook ${hook} priority 0\n${lossy}\n}\n`;
    await host.perform([change(), rules(`table inet t {\n${chain("input")}${chain("output")}}\n`)], {
      ...guard,
      seconds: 40,
    });
    await onHost("nft flush ruleset");
    expect(await stands()).toBe("after root:root 644");
    expect(await traces()).toBe("");
  });

  test("survives reloading systemd and starting services in its window, and removes what was not there", async () => {
    await host.perform(
      [
        change(),
        write(`write ${bare}`, { path: bare, content: "new", owner: "root", group: "root", mode: "0600" }),
        run("reload systemd", ["systemctl", "daemon-reload"]),
        run("restart a service", ["systemctl", "restart", "systemd-journald.service"]),
        run("restart ssh", ["systemctl", "restart", "ssh.service"]),
      ],
      guard,
    );
    expect(await stands()).toBe(`after root:root 644\n${bare}`);
  });
});

describe("a change with a failing step", () => {
  test("is undone at once, and the step's own error is thrown", async () => {
    const steps = [
      change(),
      write("write more", { path: bare, content: "", owner: "root", group: "root", mode: "0600" }),
    ];
    const { error, after } = await timed(host.perform([...steps, run("stumble", ["false"])], guard));
    expect(error).toBeInstanceOf(StepFailed);
    expect(error.message).toContain("could not stumble on test");
    expect(after).toBeLessThan(seconds / 2);
    expect(await stands()).toBe(untouched);
    expect(await traces()).toBe("");
  });

  test("is undone by a second attempt where the first one fails", async () => {
    const flag = "/run/onprem-second";
    const stubborn = ["sh", "-c", `test -e ${flag} || { touch ${flag}; echo not yet; exit 1; }`];
    const work = host.perform([change(), run("stumble", ["false"])], {
      ...guard,
      restore: [stubborn, ...guard.restore],
    });
    expect((await failure(work)).message).toContain("could not stumble on test");
    expect(await stands()).toBe(untouched);
    const journal = await onHost(`rm ${flag}; journalctl -t onprem-guard -o cat -n 4`);
    expect(journal.split("\n").map((line) => line.replace(/^trial-[0-9a-f]{8}: /, ""))).toEqual([
      "undoing it",
      expect.stringMatching(/^failed: sh -c .*: not yet$/),
      "undoing it",
      "undone, the host is as it was before",
    ]);
    expect(await traces()).toBe("");
  });

  test("that never ends is killed before the host undoes the change", async () => {
    const error = await failure(host.perform([change(), run("hang", ["sleep", "4711"], { deadline: 600 })], guard));
    expect(error.message).toContain("could not hang on test");
    expect(await onHost("pgrep -f '[s]leep 4711' || echo none")).toBe("none");
    expect(await stands()).toBe(untouched);
  });
});

describe("a change that cuts us off is undone", () => {
  const faults: [string, Step[]][] = [
    [
      "new connections dropped, established ones kept",
      [
        rules(
          "table inet t {\nchain i {\ntype filter hook input priority 0\nct state established accept\ntcp dport 22 drop\n}\n}\n",
        ),
      ],
    ],
    [
      "everything dropped",
      [
        rules(
          "table inet t {\nchain i {\ntype filter hook input priority 0; policy drop\n}\nchain o {\ntype filter hook output priority 0; policy drop\n}\n}\n",
        ),
      ],
    ],
    ["sshd stopped", [run("stop ssh", ["systemctl", "stop", "ssh.service", "ssh.socket"], { exits: [0, 5] })]],
    ["the account cannot become root", [run("break sudo", ["sh", "-c", "mv /etc/sudoers.d /etc/sudoers.d.away"])]],
  ];

  test.each(faults)("%s", async (_, steps) => {
    const sudo: Guard = {
      ...guard,
      files: [...guard.files, "/etc/sudoers.d"],
      restore: [...guard.restore, ["systemctl", "start", "ssh.service"]],
    };
    const { error, after } = await timed(host.perform([change(), ...steps], sudo));
    expect(error).toBeInstanceOf(ChangeUndone);
    expect(error.message).toContain("the change trial on test was undone: it cut us off");
    expect(after).toBeLessThan(seconds + 8);
    expect((await host.look(["cat", path])).stdout).toBe("before");
    expect(await stands()).toBe(untouched);
    expect(await traces()).toBe("");
    await onHost("rm -rf /etc/sudoers.d.away");
  });

  test("a reboot inside the window", { timeout: 180_000 }, async () => {
    const error = await failure(
      host.perform([change(), run("reboot", ["systemctl", "reboot"])], { ...guard, seconds: 60 }),
    );
    expect(error).toBeInstanceOf(ChangeUndone);
    expect((await host.look(["cat", path])).stdout).toBe("before");
    expect((await host.look(["stat", "-c", "%U:%G %a", path])).stdout).toBe("games:users 640\n");
  });

  test("nobody left to confirm it", async () => {
    const work = failure(host.perform([change(), run("wait", ["sleep", "5"])], guard));
    await expect.poll(() => onHost(`cat ${path}`), { timeout: 5000 }).toBe("after");
    await host.close();
    expect((await work).name).toBe("Cancelled");
    await expect.poll(stands, { timeout: 15_000, interval: 500 }).toBe(untouched);
    expect(await onHost("journalctl -t onprem-guard -o cat -n 1")).toMatch(/^trial-[0-9a-f]{8}: undone/);
  });
});

describe("what may not be mixed up", () => {
  test("a second guarded change is refused while one waits, and says whose it is", async () => {
    const other = await open();
    try {
      const first = host.perform([change(), run("wait", ["sleep", "3"])], guard);
      await expect.poll(() => onHost(`cat ${path}`), { timeout: 5000 }).toBe("after");
      const error = await failure(other.perform([change("mine")], guard));
      expect(error).toBeInstanceOf(ChangeInProgress);
      expect(error.message).toMatch(/trial-[0-9a-f]{8}, by \S+@\S+, since .* UTC, undone at .* UTC unless confirmed/);
      await first;
      await other.perform([change("mine")], guard);
      expect(await stands()).toBe("mine root:root 644");
    } finally {
      await other.close();
    }
  });

  test("a confirmation for another, an unknown or an undone change keeps nothing", async () => {
    const confirm = async (id: string) =>
      (await host.look(["/bin/sh", "-s"], { stdin: confirmScript(id), exits: [3, 4, 5] })).code;
    expect(await confirm("trial-00000000")).toBe(5);
    const work = failure(host.perform([change(), run("wait", ["sleep", "4"]), run("stumble", ["false"])], guard));
    await expect.poll(() => onHost(`cat ${path}`), { timeout: 5000 }).toBe("after");
    expect(await confirm("trial-00000000")).toBe(3);
    const id = await onHost("readlink /var/lib/onprem/guard/current");
    await onHost(`sh /var/lib/onprem/guard/${id}/restore`);
    expect(await confirm(id)).toBe(4);
    await work;
    expect(await stands()).toBe(untouched);
  });

  test("when confirmation and restore meet, one wins, and the error tells which", async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      await onHost(`printf before >${path}`);
      const meet = `(sleep 0.${round}5; exec systemctl start onprem-guard.service) >/dev/null 2>&1 &`;
      const error = await host.perform([change(), run("meet", ["sh", "-c", meet])], guard).catch((error) => error);
      if (error !== undefined) expect(error).toBeInstanceOf(ChangeUndone);
      expect(await onHost(`sleep 1; cat ${path}`)).toBe(error === undefined ? "after" : "before");
      expect(await traces()).toBe("");
      outcomes.add(error === undefined ? "kept" : "undone");
    }
    expect(outcomes).toContain("kept");
  });

  test("nothing is changed when what stands there cannot be saved", async () => {
    await onHost("mkdir -p /var/lib/onprem && mount -t tmpfs -o size=64k,mode=0700 tmpfs /var/lib/onprem");
    try {
      const error = await failure(host.perform([change()], { ...guard, files: ["/usr/bin/perl"] }));
      expect(error).toBeInstanceOf(StepFailed);
      expect(error.message).toMatch(/nothing was changed\n.*No space left on device/);
      expect(await stands()).toBe(untouched);
    } finally {
      await onHost("umount /var/lib/onprem");
    }
    expect(await traces()).toBe("");
  });
});
