import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { firewallRules } from "../../infra/components/firewall.ts";
import type { SshHost } from "../../infra/provider/host/ssh-host.ts";
import { firewall } from "../../infra/provider/resources/firewall.ts";
import { tcpConnect } from "../../lab/probe.ts";
import type { Addresses } from "../../lab/status.ts";
import { OwnLab } from "./own-lab.ts";
import { inNetwork, reach, reachOf } from "./reach.ts";
import { Managed } from "./resources/lifecycle.ts";

vi.setConfig({ testTimeout: 300_000 });

const both = ({ v4, v6 }: Addresses) => [v4, v6];
const nobody = { open: [], refused: [] };
/** Ports that answer in one of these tests, or would if Docker had its way. */
const interesting = [22, 80, 443, 8080, 8443, 9000];

/**
 * Docker publishes 443 and 8080, both to a container's port 80, and 9000 to its port 443. What was asked for counts: 443 is
 * for the internal network, 8080 and 9000 are nobody's, whatever port they lead to (moby#22054).
 */
const published = reach({
  management: { open: [22], refused: [] },
  internal: { open: [443], refused: [80] },
  stranger: nobody,
});

let lab: OwnLab;
let host: SshHost;
let want: ReturnType<typeof firewallRules>;
let managed: Managed<Parameters<typeof firewall.plan>[0], NonNullable<Parameters<typeof firewall.plan>[1]>, object>;

beforeAll(async () => {
  lab = await OwnLab.up();
  const { segments, services } = lab.status;
  want = firewallRules({
    management: both(segments.management),
    internal: both(segments.internal),
    saltMaster: both(services.master.addresses),
    additionalEgress: {
      packages: { protocol: "tcp", ports: [...services.aptProxy.ports], to: both(services.aptProxy.addresses) },
    },
  });
  await lab.within(
    "test",
    `export DEBIAN_FRONTEND=noninteractive
    apt-get update -qq
    apt-get install -y -qq --no-install-recommends docker.io iptables busybox-static >/dev/null 2>&1
    mkdir -p /root/image/bin /root/image/www
    cp /bin/busybox /root/image/bin/
    for name in nc httpd; do ln -s busybox /root/image/bin/$name; done
    echo served > /root/image/www/index.html
    tar -C /root/image -c . | docker import - lab/busybox >/dev/null`,
  );
  host = await lab.host("test");
  managed = new Managed(firewall, host);
});

afterAll(async () => {
  await host?.close();
  await lab?.down();
});

/** Docker's own rules, without counters, by address family. */
const dockersRules = () =>
  lab.within("test", "for tool in iptables-save ip6tables-save; do $tool | sed 's/\\[[0-9:]*\\]//; /^#/d'; done");

/** Whether a container reaches a TCP port: `yes`, or `no`. */
const fromContainer = (name: string, address: string, port: number) =>
  lab.within(
    "test",
    `docker exec ${name} nc -w 2 ${address} ${port} </dev/null >/dev/null 2>&1 && echo yes || echo no`,
  );

const addressOf = (name: string) =>
  lab.within("test", `docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' ${name}`);

test("NET-1, Q-SRV-8: before anything is published, every port answers as it should", async () => {
  const before = await dockersRules();
  await managed.apply(want);
  expect(await dockersRules()).toBe(before);
  expect(await reachOf(lab.status, "test", interesting)).toEqual(
    reach({ management: { open: [22], refused: [] }, internal: { open: [], refused: [80, 443] }, stranger: nobody }),
  );
});

test("NET-1, Q-SRV-5, Q-SRV-8: published ports are open to whom the rules name, and to nobody else", async () => {
  await lab.within(
    "test",
    `docker network create apart >/dev/null
    docker run -d --name web --restart always -p 443:80 -p 8080:80 lab/busybox httpd -f -p 80 -h /www >/dev/null
    docker run -d --name other --restart always -p 9000:443 lab/busybox httpd -f -p 443 -h /www >/dev/null
    for name in one two; do
      docker run -d --name $name --restart always --network apart lab/busybox httpd -f -p 80 -h /www >/dev/null
    done`,
  );
  expect(await reachOf(lab.status, "test", interesting)).toEqual(published);
  const { netns } = lab.status.vantagePoints.find(({ name }) => name === "internal") as { netns: string };
  const { v4, v6 } = lab.machine("test").addresses;
  for (const address of [v4, `[${v6}]`]) {
    expect(await inNetwork(netns, "curl", "-s", "-m", "5", "-g", `http://${address}:443/`)).toBe("served\n");
  }
  expect(await managed.apply(want)).toEqual([]);
});

test("a container's own address is no way around", async () => {
  const address = await addressOf("web");
  const through = ["ip", "route", "add", `${address}/32`, "via", lab.machine("test").addresses.v4];
  await inNetwork(lab.status.router.netns, ...through);
  for (const { netns, name } of lab.status.vantagePoints) {
    expect(Object.fromEntries(await tcpConnect(netns, address, [80, 443])), name).toEqual({
      80: "filtered",
      443: "filtered",
    });
  }
});

test("NET-2, Q-SRV-3, Q-SRV-6: containers reach what is named, each other, and nothing else", async () => {
  const { master, aptProxy } = lab.status.services;
  const tries: [string, string, number, "yes" | "no"][] = [
    ["web", master.addresses.v4, 4505, "yes"],
    ["one", master.addresses.v4, 4506, "yes"],
    ["web", aptProxy.addresses.v4, 3142, "yes"],
    ["web", await addressOf("other"), 443, "yes"],
    ["one", await addressOf("two"), 80, "yes"],
    ["one", "two", 80, "yes"],
    ["web", master.addresses.v4, 22, "no"],
    ["one", lab.machine("dev").addresses.v4, 22, "no"],
    // Its own host: the rules for those who come in hold for containers too.
    ["web", lab.machine("test").addresses.v4, 22, "no"],
    ["one", lab.machine("test").addresses.v4, 443, "no"],
  ];
  for (const [name, address, port, answer] of tries) {
    expect(await fromContainer(name, address, port), `${name} to ${address}:${port}`).toBe(answer);
  }
});

test("the host reaches its containers, directly and by their published ports", async () => {
  for (const address of [
    await addressOf("web"),
    "127.0.0.1:8080",
    "[::1]:443",
    `${lab.machine("test").addresses.v4}:443`,
  ]) {
    expect(await lab.within("test", `curl -s -g -m 5 http://${address}/`)).toBe("served");
  }
});

test("a container reaches a published port of its own host where an entry lets it", async () => {
  const web = { ...want.inbound.web, from: [...(want.inbound.web?.from ?? []), "172.16.0.0/12"] };
  await managed.apply({ ...want, inbound: { ...want.inbound, web } } as typeof want);
  expect(await fromContainer("one", lab.machine("test").addresses.v4, 443)).toBe("yes");
  await managed.apply(want);
  expect(await fromContainer("one", lab.machine("test").addresses.v4, 443)).toBe("no");
});

test("a reload leaves Docker's rules as they are, and a restart of Docker leaves ours", async () => {
  const before = await dockersRules();
  await managed.apply({ ...want, ping: both(lab.status.segments.management) });
  await managed.apply(want);
  expect(await dockersRules()).toBe(before);

  await lab.within("test", "systemctl restart docker");
  expect(await managed.apply(want)).toEqual([]);
  expect(await reachOf(lab.status, "test", interesting)).toEqual(published);
});

test("all of it holds after a reboot", async () => {
  await host.close();
  await lab.reboot("test");
  host = await lab.host("test");
  const state = managed.seen;
  managed = new Managed(firewall, host);
  expect(await managed.apply(want)).toEqual([]);
  expect(managed.seen).toEqual(state);
  expect(await lab.within("test", "docker ps --format '{{.Names}}' | sort")).toBe("one\nother\ntwo\nweb");
  expect(await reachOf(lab.status, "test", interesting)).toEqual(published);
});

test("without the firewall strangers reach what Docker publishes: it was ours that kept them out", async () => {
  const before = await dockersRules();
  await managed.destroy();
  expect(await dockersRules()).toBe(before);
  const { netns } = lab.status.vantagePoints.find(({ name }) => name === "stranger") as { netns: string };
  for (const address of both(lab.machine("test").addresses)) {
    expect(Object.fromEntries(await tcpConnect(netns, address, [22, 443, 8080, 9000]))).toEqual({
      22: "open",
      443: "open",
      8080: "open",
      9000: "open",
    });
  }
});
