import { File } from "../../../infra/provider/resources/file.ts";
import { Package } from "../../../infra/provider/resources/package.ts";
import type { Provider } from "../../../infra/provider/resources/provider.ts";
import { Sysctl } from "../../../infra/provider/resources/sysctl.ts";
import { SystemdUnit } from "../../../infra/provider/resources/systemd-unit.ts";
import { User } from "../../../infra/provider/resources/user.ts";
import { type Baseline, sysctlName } from "../baseline.ts";

/** The baseline as the other peers make it: a rules file and its service too, not the guarded firewall, which does more. */
export function declareBaseline(host: string, wanted: Baseline, provider: Provider): void {
  const { packages, unit, user, sysctl, firewall, sshd } = wanted;
  const options = { provider };
  const installed = Object.fromEntries(packages.map((name) => [name, "installed"]));
  new Package(`${host}-packages`, { packages: installed }, options);
  new SystemdUnit(`${host}-unit`, { name: unit.name, unit: unit.text, enabled: true, running: true }, options);
  new User(
    `${host}-user`,
    { name: user.name, shell: user.shell, authorizedKeys: [user.key], removeHome: true },
    options,
  );
  new Sysctl(`${host}-sysctl`, { name: sysctlName, values: { ...sysctl.values } }, options);
  const rules = new File(
    `${host}-rules`,
    { path: firewall.path, content: firewall.text, mode: "0755", adopt: true, validate: ["nft", "-c", "-f", "{}"] },
    options,
  );
  new SystemdUnit(
    `${host}-firewall`,
    {
      name: "nftables.service",
      enabled: true,
      running: true,
      onChange: "reload",
      reads: { [firewall.path]: rules.sha256 as never },
    },
    options,
  );
  const dropIn = new File(
    `${host}-sshd`,
    { path: sshd.path, content: sshd.text, validate: ["sshd", "-t", "-f", "{}"] },
    options,
  );
  new SystemdUnit(
    `${host}-ssh`,
    { name: "ssh.service", running: true, onChange: "reload", reads: { [sshd.path]: dropIn.sha256 as never } },
    options,
  );
}
