import { expect, test } from "vitest";
import {
  chronyOptionsText,
  chronyText,
  journalText,
  networkParameters,
  updatesText,
} from "../../../infra/components/baseline.ts";

test("chrony asks the given servers, sets the clock at start only, and gives time to nobody", () => {
  expect(chronyText(["10.20.0.1", "ntp.naerum.dk"])).toBe(`# Managed by Pulumi.
server 10.20.0.1 iburst
server ntp.naerum.dk iburst
driftfile /var/lib/chrony/chrony.drift
makestep 1 3
rtcsync
maxupdateskew 100
port 0
cmdport 0
`);
});

test.each([
  { adjust: true, text: '# Managed by Pulumi.\nDAEMON_OPTS="-F 1"\n' },
  { adjust: false, text: '# Managed by Pulumi.\nDAEMON_OPTS="-F 1 -x"\n' },
])("whether chronyd sets the clock: $adjust", ({ adjust, text }) => {
  expect(chronyOptionsText(adjust)).toBe(text);
});

test("security updates come every day, from the security archives of Debian and Ubuntu alone", () => {
  expect(updatesText({ reboot: false, rebootAt: "04:00" })).toBe(`// Managed by Pulumi.
APT::Periodic::Enable "1";
APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
#clear Unattended-Upgrade::Allowed-Origins;
#clear Unattended-Upgrade::Origins-Pattern;
Unattended-Upgrade::Origins-Pattern {
  "origin=Debian,codename=\${distro_codename}-security,label=Debian-Security";
  "origin=Ubuntu,archive=\${distro_codename}-security,label=Ubuntu";
  "origin=UbuntuESM,archive=\${distro_codename}-infra-security,label=UbuntuESM";
  "origin=UbuntuESMApps,archive=\${distro_codename}-apps-security,label=UbuntuESMApps";
};
Unattended-Upgrade::Automatic-Reboot "false";
Unattended-Upgrade::Automatic-Reboot-Time "04:00";
Unattended-Upgrade::Automatic-Reboot-WithUsers "true";
Unattended-Upgrade::Remove-Unused-Kernel-Packages "true";
Unattended-Upgrade::SyslogEnable "true";
`);
});

test("the journal is kept on disk, within bounds", () => {
  expect(journalText({ maxUse: "2G", keepDays: 30 })).toBe(`[Journal]
Storage=persistent
SystemMaxUse=2G
MaxRetentionSec=30day
`);
});

test("the network parameters name the interfaces that last, and leave forwarding to Docker", () => {
  const values = networkParameters(["ens18", "eth0.100", "docker0", "br-1f2e", "veth12", "lo"]);
  const names = ["all", "default", "ens18", "eth0/100"];
  expect(values).toEqual({
    "net.ipv4.icmp_echo_ignore_broadcasts": "1",
    "net.ipv4.icmp_ignore_bogus_error_responses": "1",
    "net.ipv4.tcp_syncookies": "1",
    "net.ipv4.conf.all.accept_source_route": "0",
    "net.ipv4.conf.default.accept_source_route": "0",
    "net.ipv4.conf.all.rp_filter": "1",
    "net.ipv4.conf.default.rp_filter": "1",
    "net.ipv6.conf.all.accept_source_route": "0",
    "net.ipv6.conf.default.accept_source_route": "0",
    ...Object.fromEntries(
      names.flatMap((name) => [
        [`net.ipv4.conf.${name}.accept_redirects`, "0"],
        [`net.ipv4.conf.${name}.secure_redirects`, "0"],
        [`net.ipv4.conf.${name}.send_redirects`, "0"],
        [`net.ipv6.conf.${name}.accept_redirects`, "0"],
      ]),
    ),
  });
  expect(Object.keys(values)).toEqual(Object.keys(values).sort());
});
