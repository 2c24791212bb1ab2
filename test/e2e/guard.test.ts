import { describe, expect, test } from "vitest";
import { ChangeUndone, StepFailed } from "../../infra/provider/host/errors.ts";
import { run, write } from "../../infra/provider/step.ts";
import {
  bare,
  change,
  eachOnHost,
  failure,
  guard,
  onHost,
  path,
  seconds,
  stands,
  timed,
  traces,
  untouched,
} from "./guarded.ts";

// What a guarded change does where nothing is broken on purpose; what it does under faults is in faults/.

const host = eachOnHost();

describe("a change that does not lock us out", () => {
  test("is kept, over a new connection that takes the place of the old one, and leaves nothing behind", async () => {
    await host().perform([change()], guard);
    expect(await stands()).toBe("after root:root 644");
    expect(await traces()).toBe("");
    expect(host().stats.connections).toBe(2);
    await host().look(["true"]);
    expect(host().stats.connections).toBe(2);
    await expect.poll(() => onHost("ss -Htn state established 'sport = :22' | wc -l")).toBe("1");
    await onHost("sleep 11");
    expect(await stands()).toBe("after root:root 644");
  });

  test("survives reloading systemd and starting services in its window, and removes what was not there", async () => {
    await host().perform(
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
    const { error, after } = await timed(host().perform([...steps, run("stumble", ["false"])], guard));
    expect(error).toBeInstanceOf(StepFailed);
    expect(error.message).toContain("could not stumble on test");
    expect(after).toBeLessThan(seconds / 2);
    expect(await stands()).toBe(untouched);
    expect(await traces()).toBe("");
  });

  test("that never ends is killed before the host undoes the change", async () => {
    const error = await failure(host().perform([change(), run("hang", ["sleep", "4711"], { deadline: 600 })], guard));
    expect(error.message).toContain("could not hang on test");
    expect(await onHost("pgrep -f '[s]leep 4711' || echo none")).toBe("none");
    expect(await stands()).toBe(untouched);
  });
});

describe("a change that nobody or two sides decide", () => {
  test("nobody left to confirm it", async () => {
    const work = failure(host().perform([change(), run("wait", ["sleep", "5"])], guard));
    await expect.poll(() => onHost(`cat ${path}`), { timeout: 5000 }).toBe("after");
    await host().close();
    expect((await work).name).toBe("Cancelled");
    await expect.poll(stands, { timeout: 15_000, interval: 500 }).toBe(untouched);
    await expect.poll(() => onHost("journalctl -t onprem-guard -o cat -n 1")).toMatch(/^trial-[0-9a-f]{8}: undone/);
  });

  test("when confirmation and restore meet, one wins, and the error tells which", async () => {
    const outcomes = new Set<string>();
    for (let round = 0; round < 6; round += 1) {
      await onHost(`printf before >${path}`);
      const meet = `(sleep 0.${round}5; exec systemctl start onprem-guard.service) >/dev/null 2>&1 &`;
      const error = await host()
        .perform([change(), run("meet", ["sh", "-c", meet])], guard)
        .catch((error) => error);
      if (error !== undefined) expect(error).toBeInstanceOf(ChangeUndone);
      expect(await onHost(`sleep 1; cat ${path}`)).toBe(error === undefined ? "after" : "before");
      expect(await traces()).toBe("");
      outcomes.add(error === undefined ? "kept" : "undone");
    }
    expect(outcomes).toContain("kept");
  });
});
