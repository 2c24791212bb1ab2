import type { Peer } from "./peer.ts";
import { ansible, ansibleMitogen } from "./peers/ansible.ts";
import { floor } from "./peers/floor.ts";
import { onpremFile, onpremTree } from "./peers/onprem.ts";
import { pulumiCommand } from "./peers/pulumi-command.ts";
import { pyinfra } from "./peers/pyinfra.ts";
import { saltSsh } from "./peers/salt-ssh.ts";

/** All peers, in the order in which they take their turns and are shown. */
export const peers: readonly Peer[] = [
  floor,
  onpremFile,
  onpremTree,
  pyinfra,
  ansible,
  ansibleMitogen,
  saltSsh,
  pulumiCommand,
];
