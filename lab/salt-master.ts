import { cp, readFile } from "node:fs/promises";
import { join } from "node:path";
import { planAddresses } from "./address-plan.ts";
import { run } from "./command.ts";
import { describeLab } from "./describe.ts";
import { LabError } from "./lab-error.ts";
import { recordedNet } from "./registry.ts";
import { saltRepository, saltVersion } from "./salt-packages.ts";
import type { Progress } from "./status.ts";

/** A Salt master in a lab, as a vendor has one. */
export interface LabMaster {
  /** SHA-256 fingerprint of its key, as `salt-key -F master` prints it. */
  readonly fingerprint: string;
  /** Where servers get Salt's packages. */
  readonly repository: { readonly uri: string; readonly suite: string; readonly key: string };
  /** TCP port of that, beside the usual ones that servers may reach. */
  readonly port: number;
}

const port = 8080;

/** What a vendor's Salt keeps on a server, beside what is this program's: a thing of each kind that docs/architecture.md leaves to it. */
const highstate = `/etc/motd:
  file.managed:
    - contents: Managed by the vendor.
/etc/sysctl.d/70-vendor.conf:
  file.managed:
    - contents: net.ipv4.tcp_fin_timeout = 45
load it:
  cmd.run:
    - name: sysctl --load /etc/sysctl.d/70-vendor.conf
    - onchanges: [{ file: /etc/sysctl.d/70-vendor.conf }]
/etc/ssh/sshd_config.d/70-vendor.conf:
  file.managed:
    - contents: Banner /etc/motd
sshd -t && systemctl reload ssh:
  cmd.run:
    - onchanges: [{ file: /etc/ssh/sshd_config.d/70-vendor.conf }]
/etc/systemd/journald.conf.d/70-vendor.conf:
  file.managed:
    - makedirs: true
    - contents: "[Journal]\\nRateLimitBurst=5000"
/etc/apt/sources.list.d/vendor.list:
  file.managed:
    - contents: "# none yet"
vendor:
  user.present:
    - shell: /usr/sbin/nologin
nft add table inet vendor:
  cmd.run:
    - unless: nft list table inet vendor
`;

/** The gate of docs/salt-master.md, which is the one place where it stands. */
async function gateRules(): Promise<string> {
  const page = await readFile(new URL("../docs/salt-master.md", import.meta.url), "utf8");
  const rules = /```nft\n([\s\S]*?)```/.exec(page)?.[1];
  if (rules === undefined) throw new LabError("docs/salt-master.md shows no rules");
  return rules;
}

/**
 * Puts a real Salt master on the vendor's host of a lab that is up, in place of the two ports that stand for it: with its packages in
 * an apt repository, a small highstate, and a firewall that lets nobody in to 4505 and 4506 who is not named.
 */
export async function placeSaltMaster(lab: string, progress: Progress): Promise<LabMaster> {
  const net = await recordedNet(lab);
  const status = net === undefined ? undefined : await describeLab(lab, planAddresses(net));
  const vendor = status?.machines.find(({ name }) => name === "vendor");
  if (vendor?.leader == null) throw new LabError(`lab ${lab} is not up`);
  const { leader, addresses } = vendor;
  const repository = await saltRepository(progress);
  const inside = (script: string, input?: string) =>
    run(["nsenter", "--target", String(leader), "--all", "--", "/bin/sh", "-euc", script], {
      ...(input === undefined ? {} : { input }),
      env: { PATH: "/usr/sbin:/usr/bin:/sbin:/bin", DEBIAN_FRONTEND: "noninteractive", HOME: "/root" },
    });
  progress("installing the Salt master on the vendor's host");
  await inside("mkdir -p /srv/packages");
  await copyInto(leader, repository.folder, "/srv/packages");
  await inside(`
    systemctl disable --now master-port.socket
    echo 'deb [signed-by=/srv/packages/key.asc] file:/srv/packages ./' >/etc/apt/sources.list.d/salt.list
    chmod -R a+rX /srv/packages
    apt-get -qq update
    apt-get -qq install -y --no-install-recommends salt-master=${saltVersion} >/dev/null
    mkdir -p /etc/salt/master.d /srv/salt
    printf 'interface: "::"\\nipv6: true\\nworker_threads: 3\\ntimeout: 5\\ngather_job_timeout: 5\\n' >/etc/salt/master.d/lab.conf
    printf "base:\\n  '*':\\n    - vendor\\n" >/srv/salt/top.sls
    cat >/srv/salt/vendor.sls <<'END'
${highstate}END
    cat >/etc/systemd/system/packages.service <<END
[Unit]
Description=The apt repository of Salt for the lab
[Service]
DynamicUser=yes
ExecStart=/usr/bin/python3 -m http.server --directory /srv/packages ${port}
[Install]
WantedBy=multi-user.target
END
    systemctl daemon-reload
    systemctl enable --now packages.service salt-master.service
  `);
  await inside(
    "cat >/etc/nftables.conf; systemctl enable --now nftables; systemctl reload nftables",
    await gateRules(),
  );
  const shown = await inside(
    "for _ in $(seq 60); do salt-key -F master 2>/dev/null | grep master.pub && exit; sleep 0.5; done; exit 1",
  );
  const fingerprint = /([0-9a-f]{2}(?::[0-9a-f]{2}){31})/.exec(shown)?.[1];
  if (fingerprint === undefined) throw new LabError("the Salt master shows no fingerprint", shown);
  return {
    fingerprint,
    repository: { uri: `http://${addresses.v4}:${port}`, suite: "./", key: repository.key },
    port,
  };
}

/** Copies a folder's files into a running machine. */
async function copyInto(leader: number, from: string, to: string): Promise<void> {
  await cp(from, join("/proc", String(leader), "root", to), { recursive: true });
}
