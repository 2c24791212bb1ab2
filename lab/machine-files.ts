import { type AddressPlan, domain } from "./address-plan.ts";
import { throughProxy } from "./apt-sources.ts";
import type { Guest } from "./machine.ts";
import { packageProxyPort } from "./package-proxy.ts";
import { loginUser, type Recipe } from "./recipe.ts";
import { vendorFiles } from "./vendor.ts";

/** What a fresh machine gets on top of its root file system. */
export function machineFiles(
  plan: AddressPlan,
  machine: Guest,
  publicKey: string,
  baseSources: string,
): Recipe["files"] {
  const { name, addresses, segment, device } = machine;
  const { router, bits } = plan.segments[segment];
  const { vendor, controller } = plan.places;
  const text = (lines: readonly string[], mode = 0o644) => ({ content: `${lines.join("\n")}\n`, mode });
  return {
    "/etc/hostname": text([name]),
    "/etc/hosts": text([
      "127.0.0.1 localhost",
      "::1 localhost ip6-localhost ip6-loopback",
      `${addresses.v4} ${name}.${domain} ${name}`,
      `${addresses.v6} ${name}.${domain} ${name}`,
    ]),
    "/etc/resolv.conf": text([
      `nameserver ${vendor.v4}`,
      `nameserver ${vendor.v6}`,
      `search ${domain}`,
      "options timeout:1 attempts:2",
    ]),
    "/etc/systemd/network/10-lab.network": text([
      "[Match]",
      `Name=${device}`,
      "[Network]",
      `Gateway=${router.v4}`,
      `Gateway=${router.v6}`,
      "IPv6AcceptRA=no",
      "[Address]",
      `Address=${addresses.v4}/${bits}`,
      "[Address]",
      `Address=${addresses.v6}/64`,
      "DuplicateAddressDetection=none",
    ]),
    "/etc/apt/apt.conf.d/01proxy": text([
      `Acquire::http::Proxy "http://${controller.v4}:${packageProxyPort}";`,
      // Packages of the vendor's own are no business of that proxy.
      `Acquire::http::Proxy::${vendor.v4} "DIRECT";`,
    ]),
    "/etc/apt/sources.list": { content: throughProxy(baseSources), mode: 0o644 },
    "/root/.ssh/authorized_keys": text([publicKey.trim()], 0o600),
    [`/home/${loginUser}/.ssh/authorized_keys`]: text([publicKey.trim()], 0o600),
    ...(name === "vendor" && vendorFiles(plan)),
  };
}
