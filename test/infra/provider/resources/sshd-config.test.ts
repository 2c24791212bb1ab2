import { describe, expect, it } from "vitest";
import {
  contradictions,
  dropInText,
  effective,
  otherFiles,
  type SshdSettings,
} from "../../../../infra/provider/resources/sshd-config.ts";
import { fixture } from "../checked.ts";

const hardened: SshdSettings = {
  permitRootLogin: "no",
  passwordAuthentication: false,
  keyboardInteractive: false,
  maxAuthTries: 4,
  loginGraceTime: 30,
  clientAliveInterval: 60,
  clientAliveCountMax: 3,
  tcpForwarding: "no",
  agentForwarding: false,
  x11Forwarding: false,
  logLevel: "VERBOSE",
  withoutAlgorithms: ["*-cbc", "hmac-sha1*"],
  withoutHostKeys: [],
};

it("writes our file", () => {
  const settings: SshdSettings = {
    ...hardened,
    permitRootLogin: "prohibit-password",
    allowUsers: ["anna", "deploy@10.0.0.0/8"],
    allowGroups: ["ssh"],
    keyboardInteractive: true,
  };
  expect(dropInText(settings)).toBe(`# Managed by Pulumi.
PubkeyAuthentication yes
PermitEmptyPasswords no
HostbasedAuthentication no
IgnoreRhosts yes
PermitUserEnvironment no
PermitTunnel no
GatewayPorts no
StrictModes yes
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication yes
ChallengeResponseAuthentication yes
AllowUsers anna deploy@10.0.0.0/8
AllowGroups ssh
MaxAuthTries 4
LoginGraceTime 30
ClientAliveInterval 60
ClientAliveCountMax 3
AllowTcpForwarding no
AllowAgentForwarding no
X11Forwarding no
LogLevel VERBOSE
Ciphers -*-cbc,hmac-sha1*
MACs -*-cbc,hmac-sha1*
KexAlgorithms -*-cbc,hmac-sha1*
HostKeyAlgorithms -*-cbc,hmac-sha1*
PubkeyAcceptedKeyTypes -*-cbc,hmac-sha1*
`);
});

it("leaves the algorithms alone where none is to be taken away", () => {
  expect(dropInText({ ...hardened, withoutAlgorithms: [] })).not.toContain("Ciphers");
});

it("takes keys of the host away from the one list of theirs, for accounts may have such keys", () => {
  const text = dropInText({ ...hardened, withoutAlgorithms: [], withoutHostKeys: ["ecdsa-*"] });
  expect(text).toContain("\nHostKeyAlgorithms -ecdsa-*\n");
  expect(text).not.toContain("PubkeyAcceptedKeyTypes");
  const dump = fixture("sshd-debian-12/default.txt");
  expect(effective(dump, { withoutAlgorithms: [], withoutHostKeys: ["ecdsa-*", "x-*"] }).withoutHostKeys).toEqual([
    "x-*",
  ]);
});

describe("effective", () => {
  it("reads Debian 12 as it comes", () => {
    expect(effective(fixture("sshd-debian-12/default.txt"), hardened)).toEqual({
      permitRootLogin: "prohibit-password",
      passwordAuthentication: true,
      keyboardInteractive: false,
      maxAuthTries: 6,
      loginGraceTime: 120,
      clientAliveInterval: 0,
      clientAliveCountMax: 3,
      tcpForwarding: "yes",
      agentForwarding: true,
      x11Forwarding: true,
      logLevel: "INFO",
      withoutAlgorithms: ["*-cbc"],
      withoutHostKeys: [],
      weakened: [],
    });
  });

  // OpenSSH 8.4, with the names and the second switch of 8.2; 9.2; 10.0.
  it.each(["sshd-debian-11", "sshd-debian-12", "sshd-debian-13"])("reads %s with our file", (folder) => {
    expect(effective(fixture(`${folder}/hardened.txt`), hardened)).toEqual({
      ...hardened,
      weakened: [],
    });
  });

  it("sees the second switch and the older name of OpenSSH before 8.7", () => {
    const dump = fixture("sshd-debian-11/hardened.txt")
      .replace("challengeresponseauthentication no", "challengeresponseauthentication yes")
      .replace("pubkeyacceptedkeytypes ", "pubkeyacceptedkeytypes ssh-rsa,");
    expect(effective(dump, { withoutAlgorithms: ["ssh-dss*", "ssh-rsa"], withoutHostKeys: [] })).toMatchObject({
      keyboardInteractive: true,
      withoutAlgorithms: ["ssh-dss*"],
    });
  });

  it("reads who may log in, once and in order, and what is weakened", () => {
    const dump = fixture("sshd-debian-12/hardened.txt").replace("strictmodes yes", "strictmodes no");
    expect(effective(`${dump}allowusers b\nallowusers a\nallowusers b\nallowgroups g\n`, hardened)).toMatchObject({
      allowUsers: ["a", "b"],
      allowGroups: ["g"],
      weakened: ["strictmodes no"],
    });
  });
});

describe("otherFiles", () => {
  const include = "Include /etc/ssh/sshd_config.d/*.conf";
  const main = "/etc/ssh/sshd_config";
  const folder = "/etc/ssh/sshd_config.d";

  it("finds nothing in the way on Debian 12", () => {
    expect(otherFiles(fixture("sshd-debian-12/sshd_config"), [])).toEqual({ included: true, others: [] });
  });

  it.each<[string, string, Record<string, string>, object]>([
    [
      "a main file that does not read our folder",
      "# Include /etc/ssh/sshd_config.d/*.conf\nPermitRootLogin yes\n",
      {},
      { included: false, others: [{ at: `${main}:2`, keyword: "permitrootlogin", value: "yes" }] },
    ],
    ["one that reads it for some only", `Match User a\n${include}\n`, {}, { included: false, others: [] }],
    ["other ways to write it", 'include = "sshd_config.d/*.conf" /etc/x\n', {}, { included: true, others: [] }],
    [
      "lines before ours",
      `PermitRootLogin yes\nPort 2222\n${include}\nPermitRootLogin yes\n`,
      {},
      { included: true, others: [{ at: `${main}:1`, keyword: "permitrootlogin", value: "yes" }] },
    ],
    [
      "files before and after ours",
      include,
      {
        "01-a.conf": "x11forwarding=yes\n",
        "10-onprem.conf": "X11Forwarding no\n",
        "50-cloud-init.conf": "PasswordAuthentication yes\n",
        "02-b.txt": "UsePAM no\nX11Forwarding yes\n",
      },
      { included: true, others: [{ at: `${folder}/01-a.conf:1`, keyword: "x11forwarding", value: "yes" }] },
    ],
    [
      "what adds up, and what holds for some, wherever it stands",
      include,
      { "50-a.conf": "AllowUsers bob\nMatch User Bob\n  PermitRootLogin yes\nMatch all\n\tX11Forwarding yes\n" },
      {
        included: true,
        others: [
          { at: `${folder}/50-a.conf:1`, keyword: "allowusers", value: "bob" },
          { at: `${folder}/50-a.conf:3`, match: "user bob", keyword: "permitrootlogin", value: "yes" },
          { at: `${folder}/50-a.conf:5`, keyword: "x11forwarding", value: "yes" },
        ],
      },
    ],
  ])("finds %s", (_, text, files, expected) => {
    const list = Object.entries(files).map(([name, content]) => ({ path: `${folder}/${name}`, text: content }));
    expect(otherFiles(text, list)).toEqual(expected);
  });
});

describe("contradictions", () => {
  it("leaves out what says the same, and what only sshd can judge", () => {
    const others = [
      { at: "a:1", keyword: "permitrootlogin", value: "No" },
      { at: "a:2", keyword: "logingracetime", value: "30s" },
      { at: "a:3", keyword: "ciphers", value: "aes256-ctr" },
      { at: "a:4", keyword: "allowusers", value: "bob" },
    ];
    expect(contradictions(hardened, others)).toEqual({ always: [], sometimes: [] });
    expect(
      contradictions({ ...hardened, permitRootLogin: "prohibit-password", loginGraceTime: 120 }, [
        { at: "a:1", keyword: "permitrootlogin", value: '"without-password"' },
        { at: "a:2", keyword: "logingracetime", value: "2m" },
      ]),
    ).toEqual({ always: [], sometimes: [] });
  });

  it("tells what always holds from what holds for some", () => {
    const others = [
      { at: "a:1", keyword: "permitrootlogin", value: "yes" },
      { at: "a:2", keyword: "maxauthtries", value: "9", match: "user bob" },
    ];
    expect(contradictions(hardened, others)).toEqual({
      always: ["a:1: permitrootlogin yes"],
      sometimes: ["a:2: maxauthtries 9 (for user bob)"],
    });
  });
});
