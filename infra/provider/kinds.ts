import type { AnyKind } from "./kind.ts";
import { directory } from "./resources/directory.ts";
import { facts } from "./resources/facts.ts";
import { file } from "./resources/file.ts";
import { fileTree } from "./resources/file-tree.ts";
import { firewall } from "./resources/firewall.ts";
import { hostname } from "./resources/hostname.ts";
import { aptPackage } from "./resources/package.ts";
import { sshd } from "./resources/sshd.ts";
import { sysctl } from "./resources/sysctl.ts";
import { systemdUnit } from "./resources/systemd-unit.ts";
import { timeZone } from "./resources/time-zone.ts";
import { user } from "./resources/user.ts";

/** Every resource that the plugin serves. A new one is added here and nowhere else. */
export const kinds: readonly AnyKind[] = [
  aptPackage,
  directory,
  facts,
  file,
  fileTree,
  firewall,
  hostname,
  sshd,
  sysctl,
  systemdUnit,
  timeZone,
  user,
];
