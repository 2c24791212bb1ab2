import { connect } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { run } from "../../lab/command.ts";
import { LabError } from "../../lab/lab-error.ts";
import { nearDevice, slowLinkCounts, slowLinkRuns, startSlowLink, stopSlowLink } from "../../lab/slow-link.ts";
import { lab, machine, within } from "./on-lab.ts";

const server = machine("dev");
const address = server.addresses.v4;

afterEach(() => stopSlowLink(lab().name));

/** Milliseconds of the fastest of ten pings from the server to this machine, and per cent that were lost. */
async function ping(target: string, count = 10) {
  const said = await within(server, `ping -q -c ${count} -i 0.01 -W 1 ${target} || :`);
  return {
    fastest: Number(/= ([\d.]+)\//.exec(said)?.[1]),
    lost: Number(/([\d.]+)% packet loss/.exec(said)?.[1]),
  };
}

/** Milliseconds until sshd has said its name. */
function greeted(): Promise<number> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const socket = connect(22, address);
    socket.on("error", reject);
    socket.on("data", () => {
      socket.destroy();
      resolve(performance.now() - began);
    });
  });
}

describe("a line of 80 ms", () => {
  test("is 80 ms long, in both families", async () => {
    await startSlowLink(lab().name, { delay: 80 });
    for (const target of [lab().controller.addresses.v4, lab().controller.addresses.v6]) {
      const { fastest, lost } = await ping(target);
      expect(fastest).toBeGreaterThanOrEqual(80);
      expect(fastest).toBeLessThan(90);
      expect(lost).toBe(0);
    }
  });

  test("is as long for the handshake of TCP, and counts it", async () => {
    await startSlowLink(lab().name, { delay: 80 });
    // SYN and its answer; the acknowledgement and sshd's greeting.
    expect(await greeted()).toBeGreaterThanOrEqual(160);
    const counts = (await slowLinkCounts(lab().name))[address];
    expect(counts).toMatchObject({ connections: 1, lost: 0, roundTrips: 2 });
    expect(counts?.fromHost).toBeGreaterThan(100);
  });

  test("leaves the rest of the lab as it was", async () => {
    await startSlowLink(lab().name, { delay: 80 });
    expect((await ping(machine("vendor").addresses.v4)).fastest).toBeLessThan(10);
  });
});

test("a line that loses packets loses about as many as it was asked for, and counts them", async () => {
  await startSlowLink(lab().name, { delay: 0, loss: 20, seed: 7 });
  // 0.8 of 0.8 come back.
  const { lost } = await ping(lab().controller.addresses.v4, 200);
  expect(lost).toBeGreaterThan(22);
  expect(lost).toBeLessThan(50);
  const counts = (await slowLinkCounts(lab().name))[address];
  expect(counts?.lost).toBe(Math.round((lost / 100) * 200));
});

test("taken away, the lab is fast again", async () => {
  await startSlowLink(lab().name, { delay: 80 });
  await stopSlowLink(lab().name);
  expect(await slowLinkRuns(lab().name)).toBe(false);
  expect((await ping(lab().controller.addresses.v4)).fastest).toBeLessThan(10);
  expect(await run(["ip", "-json", "link"])).not.toContain(nearDevice(lab().name));
});

test.each([{ delay: -1 }, { delay: Number.NaN }, { delay: 10, loss: 100 }])("no line is made of %o", async (wanted) => {
  await expect(startSlowLink(lab().name, wanted)).rejects.toThrow(LabError);
  expect(await slowLinkRuns(lab().name)).toBe(false);
});
