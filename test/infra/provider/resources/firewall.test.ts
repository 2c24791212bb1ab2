import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type FirewallSeen, firewall } from "../../../../infra/provider/resources/firewall.ts";
import { bootUnit } from "../../../../infra/provider/resources/firewall-boot.ts";
import { keepOpenScript, rulesOf, trackingOf } from "../../../../infra/provider/resources/firewall-rules.ts";
import { run, type Step, write } from "../../../../infra/provider/step.ts";
import { checked, fixture } from "../checked.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

const want = {
  table: "onprem",
  inbound: {
    ssh: { protocol: "tcp" as const, ports: [22], from: ["10.20.0.0/24", "fd00:20::/64"] },
    vpn: { protocol: "udp" as const, ports: [51820], from: ["0.0.0.0/0", "::/0"] },
    "web på dansk": { protocol: "tcp" as const, ports: [80, 443], from: ["10.0.0.0/8"] },
  },
  outbound: {
    salt: { protocol: "tcp" as const, ports: [4505, 4506], to: ["198.51.100.7/32", "2001:db8::7/128"] },
  },
  ping: ["0.0.0.0/0", "fd00:20::/64"],
  trustedBridges: ["br-*", "docker0"],
  logDropped: true,
  adopt: false,
  confirmSeconds: 60,
};

const rules = rulesOf("onprem", want);
const hash = (text: string) => createHash("sha256").update(text).digest("hex");
const rulesFile = "/etc/onprem/firewall.nft";
const unitFile = "/etc/systemd/system/onprem-firewall.service";

const agreed: FirewallSeen = {
  table: "onprem",
  inbound: want.inbound,
  outbound: want.outbound,
  ping: want.ping,
  trustedBridges: want.trustedBridges,
  logDropped: true,
  foreign: [],
  loaded: true,
  rules: hash(rules),
  unit: hash(bootUnit("onprem")),
  atBoot: true,
  nftablesService: "masked",
};
const nothing = { inbound: {}, outbound: {}, ping: [], trustedBridges: [], logDropped: false, loaded: false };

const root = { owner: "root", group: "root" };
const makeFolder = run(`make the folder of ${rulesFile}`, ["install", "-d", "-m", "0755", "--", "/etc/onprem"]);
const writeRules = write(`write ${rulesFile}`, {
  path: rulesFile,
  content: rules,
  ...root,
  mode: "0600",
  validate: ["nft", "-c", "-f", "{}"],
  property: "rules",
});
const writeUnit = write(`write ${unitFile}`, {
  path: unitFile,
  content: bootUnit("onprem"),
  ...root,
  mode: "0644",
  property: "unit",
});
const reread = run("make systemd read its units again", ["systemctl", "daemon-reload"], { property: "unit" });
const enable = run(
  "load the rules at boot by onprem-firewall.service",
  ["systemctl", "enable", "--", "onprem-firewall.service"],
  { property: "atBoot" },
);
const mask = run("mask nftables.service", ["systemctl", "mask", "--", "nftables.service"], {
  property: "nftablesService",
});
const load = (property: string, text = rules) => [
  run("make the kernel follow connections", ["nft", "-f", "-"], { stdin: trackingOf("onprem"), property }),
  run("let open connections live on", ["sh", "-euc", keepOpenScript, "sh", "onprem"], { property }),
  run("load the rules", ["nft", "-f", "-"], { stdin: text, property }),
];

describe("observe", () => {
  const looks = {
    tables: "nft list tables",
    table: "nft -s -t list table inet onprem",
    printed: 'unshare --net -- sh -c nft -f - && exec nft -s -t list table inet "$1" sh onprem',
    units: "systemctl show --property=Id,UnitFileState -- onprem-firewall.service nftables.service",
  };
  const units = (ours: string, theirs: string) =>
    `Id=onprem-firewall.service\nUnitFileState=${ours}\n\nId=nftables.service\nUnitFileState=${theirs}\n`;
  const table = fixture("nft-debian-12/table.txt");
  const gone = { code: 1, stderr: "Error: No such file or directory\n" };
  const files: Record<string, Standing> = {
    [rulesFile]: { sha256: hash(rules) },
    [unitFile]: { sha256: hash(bootUnit("onprem")) },
  };
  const noFiles = { [rulesFile]: null, [unitFile]: null };
  const host = (answers: Partial<Record<keyof typeof looks, string | object>>, paths = files) =>
    new FakeHost({
      looks: Object.fromEntries(Object.entries(answers).map(([key, answer]) => [looks[key as never], answer])),
      paths,
    });

  it.each(["nft-debian-12", "nft-0.9.3"])("sees agreement as %s prints it", async (release) => {
    const listing = fixture(`${release}/table.txt`);
    const answers = { tables: "table ip nat\ntable inet onprem\n", table: listing, printed: listing };
    expect(await firewall.observe(host({ ...answers, units: units("enabled", "masked") }), want)).toEqual(agreed);
  });

  it("takes everything from the host in an import", async () => {
    const answers = { tables: "table inet onprem\n", table, printed: table, units: units("enabled", "masked") };
    expect(await firewall.observe(host(answers), { table: "onprem" })).toEqual(agreed);
  });

  it("sees through a want that a refresh has filled with strays", async () => {
    const answers = { tables: "table inet onprem\n", table, printed: table, units: units("enabled", "masked") };
    const overlaid = { ...want, inbound: { ...want.inbound, "(unknown) accept": { chain: "arriving" } } };
    expect(await firewall.observe(host(answers), overlaid as never)).toEqual(agreed);
  });

  it.each([
    ["no table", { tables: "table ip nat\n", table: gone, printed: table }],
    ["no nft", { tables: { code: 127 }, table: { code: 127 }, printed: { code: 127 } }],
  ])("is absent with %s, no file and no unit", async (_, answers) => {
    const bare = host({ ...answers, units: units("", "disabled") }, noFiles);
    expect(await firewall.observe(bare, want)).toBeUndefined();
    const left = host({ ...answers, units: units("disabled", "masked") });
    expect(await firewall.observe(left, want)).toEqual({ ...agreed, ...nothing, atBoot: false });
  });

  it("sees the state of nftables.service before us", async () => {
    const answers = { tables: "", table: gone, printed: table, units: units("", "enabled") };
    const before = { ...agreed, ...nothing, rules: "", unit: "", atBoot: false, nftablesService: "enabled" };
    expect(await firewall.observe(host(answers, noFiles), want)).toEqual(before);
    expect(await firewall.observe(host({ ...answers, units: units("", "masked") }, noFiles), want)).toEqual({
      ...before,
      nftablesService: "masked",
    });
    expect(await firewall.observe(host(answers, noFiles), { table: "onprem" })).toBeUndefined();
  });
});

describe("plan", () => {
  it.each<[string, FirewallSeen | undefined, Step[]]>([
    ["agrees", agreed, []],
    [
      "makes everything; the rules that let connections live on come before those that drop",
      undefined,
      [makeFolder, writeRules, writeUnit, reread, enable, mask, ...load("loaded")],
    ],
    ["writes the rules again", { ...agreed, rules: "" }, [makeFolder, writeRules]],
    ["writes the unit again", { ...agreed, unit: "" }, [writeUnit, reread]],
    ["enables the unit", { ...agreed, atBoot: false }, [enable]],
    ["masks nftables.service", { ...agreed, nftablesService: "disabled" }, [mask]],
    ["loads what is gone", { ...agreed, ...nothing }, load("loaded")],
    [
      "removes what is unknown",
      { ...agreed, inbound: { ...agreed.inbound, "(unknown) accept": { chain: "arriving" } } },
      load("inbound"),
    ],
    ["puts back what is missing", { ...agreed, outbound: {} }, load("inbound")],
    [
      "deletes what is foreign in the same transaction",
      { ...agreed, foreign: ["chain extra"] },
      load("inbound", rulesOf("onprem", want, ["chain extra"])),
    ],
  ])("%s", (_, seen, steps) => {
    expect(firewall.plan(want, seen)).toEqual(steps);
  });

  it("never deletes its chains, and never names a table that is not ours", () => {
    const texts = firewall.plan(want, undefined).map((step) => (step.do === "run" ? (step.stdin ?? "") : ""));
    const lines = texts.flatMap((text) => text.split("\n")).filter((line) => /^(delete|flush|table)/.test(line));
    expect(new Set(lines)).toEqual(
      new Set(["table inet onprem {", "flush chain inet onprem tracking", "flush table inet onprem"]),
    );
  });
});

describe("remove", () => {
  const removal = [
    run("disable onprem-firewall.service", ["systemctl", "disable", "--now", "--", "onprem-firewall.service"]),
    run(`remove ${unitFile}`, ["rm", "-f", "--", unitFile]),
    run("make systemd read its units again", ["systemctl", "daemon-reload"]),
    run(`remove ${rulesFile}`, ["rm", "-f", "--", rulesFile]),
    run("remove its folder", ["rmdir", "--ignore-fail-on-non-empty", "--", "/etc/onprem"]),
    run("delete the table onprem", ["nft", "add table inet onprem; delete table inet onprem"]),
  ];

  it("takes everything of ours away, and gives nftables.service back", () => {
    const unmask = run("unmask nftables.service", ["systemctl", "unmask", "--", "nftables.service"]);
    expect(firewall.remove(agreed, { unmask: true })).toEqual([...removal, unmask]);
    expect(firewall.remove(agreed, { unmask: false })).toEqual(removal);
  });

  it("does nothing a second time", () => {
    expect(
      firewall.remove({ ...agreed, ...nothing, rules: "", unit: "", atBoot: false, nftablesService: "enabled" }),
    ).toEqual([]);
  });
});

describe("refuse", () => {
  const bare = { ...agreed, ...nothing, rules: "", unit: "" };
  it.each<[string, FirewallSeen | undefined, boolean, boolean, RegExp | undefined]>([
    ["nothing there", undefined, false, false, undefined],
    ["agreement", agreed, false, false, undefined],
    [
      "somebody's nftables.service",
      { ...bare, nftablesService: "enabled" },
      false,
      false,
      /nftables.service is enabled/,
    ],
    ["the same, adopted", { ...bare, nftablesService: "enabled" }, false, true, undefined],
    ["a masked nftables.service", { ...bare, nftablesService: "masked" }, false, false, undefined],
    ["somebody's table", { ...agreed, inbound: {} }, false, false, /a table inet onprem is there already/],
    ["the same, adopted", { ...agreed, inbound: {} }, false, true, undefined],
    ["our own that drifted", { ...agreed, inbound: {}, nftablesService: "enabled" }, true, false, undefined],
  ])("%s", (_, seen, ours, adopt, why) => {
    const refusal = firewall.refuse?.({ ...want, adopt }, seen, ours)?.why;
    if (why === undefined) expect(refusal).toBeUndefined();
    else expect(refusal).toMatch(why);
  });
});

describe("remember", () => {
  it("knows whether nftables.service was masked before us, and keeps to what it knew first", () => {
    expect(firewall.remember?.(want, undefined, undefined)).toEqual({ unmask: true });
    expect(firewall.remember?.(want, { ...agreed, nftablesService: "enabled" }, undefined)).toEqual({ unmask: true });
    expect(firewall.remember?.(want, agreed, undefined)).toEqual({ unmask: false });
    expect(firewall.remember?.(want, agreed, { unmask: true })).toEqual({ unmask: true });
  });
});

describe("guard", () => {
  it("puts back the table and the file as they were, within the given time", () => {
    expect(firewall.guard?.(want, undefined)).toEqual({
      name: "firewall",
      files: [rulesFile],
      save: { table: ["nft", "list", "table", "inet", "onprem"] },
      restore: [
        ["nft", "add table inet onprem; delete table inet onprem"],
        ["nft", "-f", "{table}"],
      ],
      seconds: 60,
    });
  });

  it("lets a removal be, for it only opens", () => {
    expect(firewall.guard?.(undefined, agreed)).toBeUndefined();
  });
});

describe("check", () => {
  it("fills in the defaults, and makes ranges and ports canonical", () => {
    const given = { ssh: { protocol: "tcp", ports: [443, 80, 443], from: ["FD00::/8", "10.0.0.1"] } };
    expect(checked(firewall, { inbound: given, outbound: {} })).toEqual({
      table: "onprem",
      inbound: { ssh: { protocol: "tcp", ports: [80, 443], from: ["10.0.0.1/32", "fd00::/8"] } },
      outbound: {},
      ping: [],
      trustedBridges: ["br-*", "docker0"],
      logDropped: false,
      adopt: false,
      confirmSeconds: 60,
    });
  });

  it("reports all mistakes at once", () => {
    const mistakes = {
      table: "filter",
      inbound: { ssh: { protocol: "icmp", ports: [0], from: [] } },
      outbound: { salt: { protocol: "tcp", ports: [], to: ["anywhere"], from: ["10.0.0.0/8"] } },
      trustedBridges: ["*", 'x" accept'],
      confirmSeconds: 5,
    };
    expect(checked(firewall, mistakes)).toEqual([
      {
        property: "table",
        reason: 'must be "onprem", or begin with it and go on in a-z, 0-9 and _; given: "filter"',
      },
      { property: "inbound.ssh.protocol", reason: 'Invalid option: expected one of "tcp"|"udp"; given: "icmp"' },
      { property: "inbound.ssh.ports[0]", reason: "Too small: expected number to be >=1; given: 0" },
      { property: "inbound.ssh.from", reason: "must name at least one range; given: []" },
      { property: "outbound.salt.ports", reason: "must name at least one port; given: []" },
      {
        property: "outbound.salt.to[0]",
        reason: 'must be a range such as "10.0.0.0/8", or an IP address; given: "anywhere"',
      },
      { property: "outbound.salt.from", reason: "unknown property" },
      {
        property: "trustedBridges[0]",
        reason: 'must be the name of an interface, a star allowed at the end; given: "*"',
      },
      {
        property: "trustedBridges[1]",
        reason: 'must be the name of an interface, a star allowed at the end; given: "x\\" accept"',
      },
      { property: "confirmSeconds", reason: "Too small: expected number to be >=10; given: 5" },
    ]);
    expect(checked(firewall, {})).toEqual([
      { property: "inbound", reason: "is required" },
      { property: "outbound", reason: "is required" },
    ]);
  });

  it.each([["ssh"], ["web på dansk"], ["a/b-c_d.e 1"], ["9"], ["x".repeat(100)]])("accepts the name %j", (name) => {
    const entry = { protocol: "tcp", ports: [22], from: ["10.0.0.0/8"] };
    expect(checked(firewall, { inbound: { [name]: entry }, outbound: {} })).not.toBeInstanceOf(Array);
  });

  it.each([
    [""],
    ['x" accept; #'],
    ["a\nb"],
    ["(ping)"],
    ["(unknown) accept"],
    ["-x"],
    [" x"],
    ["a\\b"],
    ["$x"],
    ["å".repeat(51)],
  ])("refuses the name %j", (name) => {
    const entry = { protocol: "tcp", ports: [22], from: ["10.0.0.0/8"] };
    expect(checked(firewall, { inbound: { [name]: entry }, outbound: {} })).toBeInstanceOf(Array);
  });
});

it("is named by its table", () => {
  expect([firewall.named("onprem"), firewall.named("onprem_2"), firewall.named("filter")]).toEqual([
    { table: "onprem" },
    { table: "onprem_2" },
    undefined,
  ]);
});

it("foresees what follows from the arguments", () => {
  expect(agreed).toMatchObject(firewall.foresee?.(want) ?? {});
});

it("has files and a unit per table", () => {
  const other = { ...want, table: "onprem_2" };
  const paths = firewall.plan(other, undefined).flatMap((step) => (step.do === "write" ? [step.path] : []));
  expect(paths).toEqual(["/etc/onprem/firewall-onprem_2.nft", "/etc/systemd/system/onprem-firewall-onprem_2.service"]);
});

it("loads the rules before there is a network", () => {
  expect(bootUnit("onprem")).toBe(`[Unit]
Description=Firewall rules of the table inet onprem
DefaultDependencies=no
RequiresMountsFor=/etc/onprem /usr/sbin
After=systemd-modules-load.service onprem-guard-files.service
Before=network-pre.target sysinit.target shutdown.target
Wants=network-pre.target
Conflicts=shutdown.target
ConditionPathExists=${rulesFile}

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${rulesFile}

[Install]
WantedBy=sysinit.target
`);
});
