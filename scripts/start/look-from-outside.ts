import { tcpConnect } from "../../lab/probe.ts";
import type { LabStatus, MachineStatus } from "../../lab/status.ts";
import { probedPorts, type View } from "./outside-view.ts";

/** How a server's ports answer to each of the lab's vantage points, over IPv4 and IPv6. */
export async function lookFromOutside(lab: LabStatus, server: MachineStatus): Promise<View[]> {
  const looks = lab.vantagePoints.flatMap((vantage) => (["v4", "v6"] as const).map((family) => ({ vantage, family })));
  return Promise.all(
    looks.map(async ({ vantage, family }) => {
      const target = server.addresses[family];
      const answers = await tcpConnect(vantage.netns, target, probedPorts);
      return { from: vantage.name, source: vantage.addresses[family], target, answers };
    }),
  );
}
