import { expect } from "vitest";
import { firewallRules } from "../../../infra/components/firewall.ts";
import { ChangeUndone } from "../../../infra/provider/host/errors.ts";
import type { Kind } from "../../../infra/provider/kind.ts";
import { sshd } from "../../../infra/provider/resources/sshd.ts";
import { user } from "../../../infra/provider/resources/user.ts";
import { ed25519Pair } from "../../ed25519.ts";
import { firstLine } from "../guarded.ts";
import { lab, machine, stackOn, within } from "../on-lab.ts";
import { labHost, Managed } from "../resources/lifecycle.ts";
import { watchAccess } from "./access.ts";
import { fault, type Report } from "./fault.ts";
import { seconds, undoneAtOnce, undoneByItself } from "./locked-out.ts";

const server = machine("test");

fault(
  "lock-out/firewall-without-us",
  {
    done: "`pulumi up` of a Firewall that lets only other addresses than ours manage the server",
    holds: `${undoneByItself}; the next up with the right addresses converges, a further one is empty`,
  },
  async (report) => {
    const { segments, services } = lab();
    const both = ({ v4, v6 }: { v4: string; v6: string }) => [v4, v6];
    const rules = (management: string[]) => [
      {
        name: "firewall",
        type: "Firewall",
        args: {
          ...firewallRules({
            management,
            internal: both(segments.internal),
            saltMaster: both(services.master.addresses),
            additionalEgress: {},
          }),
          confirmSeconds: 10, // the least that it takes
        },
      },
    ];
    await using stack = await stackOn(server);
    try {
      const before = await within(server, "nft -s list ruleset; ls -A /etc/onprem 2>/dev/null || :");
      await using access = watchAccess(server);
      const shut = await stack.up(rules(["192.0.2.0/24"]));
      report.accessBack(await access.outage());
      expect(shut.code).not.toBe(0);
      expect(shut.errors.join("\n")).toContain("was undone: it cut us off");
      expect(await within(server, "nft -s list ruleset; ls -A /etc/onprem 2>/dev/null || :")).toBe(before);
      expect((await stack.up(rules(both(segments.management)))).code).toBe(0);
      expect((await stack.up(rules(both(segments.management)))).changes).toEqual({});
      const line = shut.errors
        .join("\n")
        .split("\n")
        .find((text) => text.includes("was undone"));
      report.seen(`${line?.replace(/^.*?": /, "")}; up again converged, and again changed nothing`);
    } finally {
      await stack.destroy();
    }
  },
);

fault(
  "lock-out/sshd-allows-others",
  { done: "The resource Sshd with AllowUsers that does not name us", holds: undoneAtOnce },
  async (report) => {
    await guardedResource(report, sshd, { allowUsers: ["nobody"] });
    expect(await within(server, "ls -A /etc/ssh/sshd_config.d; sshd -T | grep -i allowusers || :")).toBe("");
  },
);

fault(
  "lock-out/our-key-removed",
  { done: "The resource User with other keys than ours for our own account", holds: undoneAtOnce },
  async (report) => {
    const keys = () => within(server, "cat /home/deploy/.ssh/authorized_keys");
    const before = await keys();
    await guardedResource(report, user, { name: "deploy", authorizedKeys: [ed25519Pair().public], adopt: true });
    expect(await keys()).toBe(before);
  },
);

/** Applies a resource with a short window, as the engine would, and expects that the host undoes it. */
async function guardedResource<Want extends object, Seen extends object, Memory extends object>(
  report: Report,
  kind: Kind<Want, Seen, Memory>,
  want: Partial<Want>,
): Promise<void> {
  const hasty: Kind<Want, Seen, Memory> = {
    ...kind,
    guard: (...given) => {
      const guard = kind.guard?.(...given);
      return guard && { ...guard, seconds };
    },
  };
  const host = await labHost(lab(), "test", "deploy");
  try {
    await using access = watchAccess(server);
    const error = await new Managed(hasty, host).apply(want).then(
      () => expect.unreachable("it was to be undone"),
      (error: Error) => error,
    );
    report.accessBack(await access.outage());
    expect(error.cause).toBeInstanceOf(ChangeUndone);
    report.seen(firstLine(error.cause as Error));
  } finally {
    await host.close();
  }
}
