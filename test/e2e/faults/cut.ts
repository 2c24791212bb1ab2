import { run } from "../../../lab/command.ts";
import { statusLab } from "../../../lab/lab.ts";
import type { MachineStatus } from "../../../lab/status.ts";
import { lab } from "../on-lab.ts";

/** How a connection is cut: its next packet is answered with a reset, or nothing gets through and nobody is told. */
export type Cut = "reset" | "frozen";

/** Cuts every SSH connection to a server on its way through the lab's router, open ones and new ones, until `mend`. */
export async function cut(server: MachineStatus, how: Cut): Promise<() => Promise<void>> {
  const { addresses, name } = server;
  const table = `cut_${name}`;
  const verdict = how === "reset" ? "reject with tcp reset" : "drop";
  await inRouter(
    server,
    `table inet ${table} { chain forward {
      type filter hook forward priority -300
      ip daddr ${addresses.v4} tcp dport 22 ${verdict}
      ip saddr ${addresses.v4} tcp sport 22 ${verdict}
    }
    }`,
  );
  return () => inRouter(server, `delete table inet ${table}`);
}

/** The network is the router's, the program the server's: this machine needs no nftables. */
async function inRouter({ name }: MachineStatus, rules: string): Promise<void> {
  const status = await statusLab(lab().name);
  const leader = status?.machines.find((one) => one.name === name)?.leader;
  const words = [
    "--target",
    String(leader),
    "--mount",
    `--net=${lab().router.netns}`,
    "--",
    "/usr/sbin/nft",
    "-f",
    "-",
  ];
  await run(["nsenter", ...words], { input: rules });
}
