import { describe, expect, it } from "vitest";
import { type SshdSeen, sshd } from "../../../../infra/provider/resources/sshd.ts";
import { dropInText, type SshdSettings } from "../../../../infra/provider/resources/sshd-config.ts";
import { run, write } from "../../../../infra/provider/step.ts";
import { checked, fixture } from "../checked.ts";
import { FakeHost, type Standing } from "../fake-host.ts";

/** What the servers of the fixtures were told. */
const recorded = {
  withoutAlgorithms: [
    ...["*-cbc", "3des*", "arcfour*", "diffie-hellman-group-exchange-sha1", "diffie-hellman-group1-*"],
    ...["diffie-hellman-group14-*", "hmac-md5*", "hmac-sha1*", "ssh-dss*", "ssh-rsa", "ssh-rsa-cert*", "umac-64*"],
  ],
  withoutHostKeys: [],
};
const want = checked(sshd, recorded) as SshdSettings;
const agreed: SshdSeen = {
  ...want,
  weakened: [],
  installed: true,
  included: true,
  others: [],
  dropIn: dropInText(want),
  loaded: true,
};

const file = "/etc/ssh/sshd_config.d/10-onprem.conf";
const writeFile = (property: string, settings = want) =>
  write("write the settings of sshd", {
    path: file,
    content: dropInText(settings),
    owner: "root",
    group: "root",
    mode: "0644",
    validate: ["sshd", "-t", "-f", "{}"],
    property,
  });
const load = (more = {}) => [
  run("check the configuration of sshd", ["sshd", "-t"], more),
  run("restart sshd", ["systemctl", "try-restart", "ssh.service"], more),
];
const loadStep = load({ property: "loaded" });

describe("observe", () => {
  const paths: Record<string, Standing> = {
    "/etc/ssh/sshd_config": { content: fixture("sshd-debian-12/sshd_config"), mtime: 1_000 },
    "/etc/ssh/sshd_config.d": { type: "directory", mode: "0755", mtime: 2_000 },
    [file]: { content: dropInText(want), mtime: 2_000 },
  };
  const busctl =
    "busctl --json=short get-property org.freedesktop.systemd1 /org/freedesktop/systemd1/unit/ssh_2eservice org.freedesktop.systemd1.Unit ActiveState StateChangeTimestamp";
  const looks = { "sshd -T": fixture("sshd-debian-12/hardened.txt"), [busctl]: fixture("sshd-debian-12/unit.jsonl") };
  const observe = (more: { looks?: object; paths?: Record<string, Standing> } = {}) =>
    sshd.observe(new FakeHost({ looks: { ...looks, ...more.looks }, paths: { ...paths, ...more.paths } }), want);

  it("reads Debian 12 with our file", async () => {
    expect(await observe()).toEqual(agreed);
  });

  const state = (active: string, changed: number) => ({
    [busctl]: `{"type":"s","data":"${active}"}\n{"type":"t","data":${changed}}\n`,
  });
  const { dropIn: _, ...withoutDropIn } = agreed;

  it.each<[string, Parameters<typeof observe>[0], object]>([
    ["no file of ours", { paths: { [file]: null } }, withoutDropIn],
    ["one that others may write", { paths: { [file]: { ...paths[file], mode: "0666" } } }, withoutDropIn],
    [
      "a server that started before the file was written",
      { looks: state("active", 1_999) },
      { ...agreed, loaded: false },
    ],
    ["one that started just then", { looks: state("active", 2_000) }, agreed],
    ["one that is not running", { looks: state("inactive", 0) }, agreed],
    [
      "a configuration that sshd refuses",
      {
        looks: {
          "sshd -T": {
            code: 255,
            stderr: "/etc/ssh/sshd_config: line 3: Bad configuration option: Foo\nterminating\n",
          },
        },
      },
      {
        installed: true,
        included: true,
        others: [],
        dropIn: dropInText(want),
        loaded: true,
        problem: "/etc/ssh/sshd_config: line 3: Bad configuration option: Foo",
      },
    ],
    [
      "no sshd",
      {
        looks: { "sshd -T": { code: 127, stderr: "sshd: No such file or directory\n" }, ...state("inactive", 0) },
        paths: { "/etc/ssh/sshd_config": null, "/etc/ssh/sshd_config.d": null, [file]: null },
      },
      { installed: false, included: false, others: [], loaded: true, problem: "sshd: No such file or directory" },
    ],
  ])("reads %s", async (_, more, expected) => {
    expect(await observe(more)).toEqual(expected);
  });
});

describe("plan", () => {
  const { dropIn: _, ...withoutDropIn } = agreed;

  it.each<[string, SshdSeen, object[]]>([
    ["agrees", agreed, []],
    ["agrees with who may log in, when nothing was asked", { ...agreed, allowUsers: ["anna"] }, []],
    ["writes our file", withoutDropIn, [writeFile("dropIn"), ...loadStep]],
    ["names the property that differs", { ...agreed, tcpForwarding: "yes" }, [writeFile("tcpForwarding"), ...loadStep]],
    ["names what is weakened", { ...agreed, weakened: ["strictmodes no"] }, [writeFile("weakened"), ...loadStep]],
    ["has an old configuration replaced", { ...agreed, loaded: false }, loadStep],
    [
      "mends our own broken file",
      { installed: true, included: true, others: [], dropIn: "x", loaded: true, problem: "bad" },
      [writeFile("dropIn"), ...loadStep],
    ],
  ])("%s", (_, seen, steps) => {
    expect(sshd.plan(want, seen)).toEqual(steps);
  });
});

describe("remove", () => {
  it("takes our file away, once", () => {
    const { dropIn: _, ...without } = agreed;
    expect(sshd.remove(agreed)).toEqual([run("remove the settings of sshd", ["rm", "-f", "--", file]), ...load()]);
    expect(sshd.remove(without)).toEqual([]);
  });
});

describe("refuse", () => {
  it.each<[string, Partial<SshdSeen>, string | undefined]>([
    ["nothing", {}, undefined],
    ["where there is no sshd", { installed: false }, "there is no sshd"],
    ["where our folder is not read", { included: false }, "/etc/ssh/sshd_config does not read /etc/ssh/sshd_config.d"],
    [
      "where others come first",
      { others: [{ at: "/etc/ssh/sshd_config:1", keyword: "permitrootlogin", value: "yes" }] },
      "other lines come before ours, and sshd takes the first:\n/etc/ssh/sshd_config:1: permitrootlogin yes",
    ],
    [
      "nothing that holds for some only",
      { others: [{ at: "a:1", match: "user b", keyword: "permitrootlogin", value: "yes" }] },
      undefined,
    ],
    ["what is broken elsewhere", { problem: "line 3: Bad" }, "sshd refuses its configuration: line 3: Bad"],
    ["nothing that is broken in our own file", { problem: "line 3: Bad", dropIn: "x" }, undefined],
  ])("%s", (_, seen, why) => {
    expect(sshd.refuse?.(want, { ...agreed, ...seen }, true)?.why).toBe(why);
  });
});

it("warns of what holds for some connections", () => {
  const others = [{ at: "a:1", match: "user b", keyword: "permitrootlogin", value: "yes" }];
  expect(sshd.warn?.(want, agreed)).toEqual([]);
  expect(sshd.warn?.(want, { ...agreed, others })).toEqual([
    "For some connections sshd does otherwise than asked for, by lines of other files: a:1: permitrootlogin yes (for user b)",
  ]);
});

it("guards every change, removal too", () => {
  const guard = { name: "sshd", files: [file], restore: [["systemctl", "restart", "ssh.service"]], account: "*" };
  expect([sshd.guard?.(want, agreed), sshd.guard?.(undefined, agreed)]).toEqual([guard, guard]);
});

describe("check", () => {
  it("fills in the hardened values", () => {
    const hardened = checked(sshd, {});
    expect(hardened).toMatchObject({
      permitRootLogin: "no",
      passwordAuthentication: false,
      keyboardInteractive: false,
      maxAuthTries: 4,
      loginGraceTime: 30,
      tcpForwarding: "no",
      withoutAlgorithms: expect.arrayContaining(["hmac-sha1*", "ssh-rsa", "ecdh-sha2-nistp*"]),
      withoutHostKeys: ["ecdsa-*"],
    });
    expect(hardened).not.toHaveProperty("allowUsers");
  });

  it("sorts lists", () => {
    const given = { allowUsers: ["deploy@10.0.0.0/8", "anna", "anna"], withoutAlgorithms: ["b", "a"] };
    expect(checked(sshd, given)).toEqual({
      ...want,
      withoutHostKeys: ["ecdsa-*"],
      allowUsers: ["anna", "deploy@10.0.0.0/8"],
      withoutAlgorithms: ["a", "b"],
    });
  });

  it("reports all mistakes at once", () => {
    const given = {
      permitRootLogin: "yes",
      allowUsers: ["a b"],
      allowGroups: [],
      maxAuthTries: 0,
      loginGraceTime: "30",
      withoutAlgorithms: ["a,b", "x\nPermitRootLogin yes"],
      port: 22,
    };
    expect(checked(sshd, given)).toEqual(
      [
        "port",
        "permitRootLogin",
        "allowUsers[0]",
        "allowGroups",
        "maxAuthTries",
        "loginGraceTime",
        "withoutAlgorithms[0]",
        "withoutAlgorithms[1]",
      ].map((property) => ({ property, reason: expect.any(String) })),
    );
  });

  it.each(["-a", "a\nb", "$(id)", "a#b", 'a"b', ""])("refuses the account %j", (account) => {
    expect(checked(sshd, { allowUsers: [account] })).toEqual([
      { property: "allowUsers[0]", reason: expect.stringMatching(/^must be a pattern/) },
    ]);
  });
});

it("is named by one word", () => {
  expect([sshd.id?.(want), sshd.named("sshd"), sshd.named("ssh")]).toEqual(["sshd", {}, undefined]);
});
