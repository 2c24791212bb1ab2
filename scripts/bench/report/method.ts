import type { Result } from "../measurement.ts";

/** How the benchmark works, for the page. */
export const method = ({
  limit,
  budget,
}: Result["bounds"]): string => `Three servers of the [lab](lab.md), each peer in turn on the same ones. In each repeat every peer does all cases before the next begins,
so a slow minute of the machine meets them all. The benchmark starts nothing else beside it.

- **first**: the hosts hold nothing of the work, and the tool has never been there. **nothing**: every resource is looked at, and all are
  right. **change**: the content of one file has changed in the program (in the baseline: the text of the unit). **drift**: one file was
  altered by hand on one host (in the baseline: a stranger's key was added), and the tool must heal it.
- **The files** are small texts (about 350 bytes), each different, in one folder, with three kinds of owner and mode. **The baseline** is three
  packages, a unit, an account with a key, two kernel parameters, a firewall and a drop-in of sshd, by each tool's own means. The firewall
  is a rules file and its service for all of them; our guarded \`Firewall\` does more, so it is not compared.
- After each run the hosts are looked at through their namespaces, a way that shares nothing with any peer: content, owner and mode of each
  file, and for the baseline what is in force. A run after which they are not as wanted has failed. After **nothing**, no file may have been
  written, not even with what it held.
- Beforehand Python was installed on the hosts, which Ansible, pyinfra's \`apt\` and Salt need there and hosts that they manage have.
- **The floor** and our own runs share what is not ours: the engine, its language host and Pulumi's SDK, compiled code kept, up to 64 resources
  at a time. Where the language host was built from Go modules it loads a TypeScript compiler that nobody needs, in the floor too.
- **Wall time** is from the start to the end of the one command. What a tool leaves in the background (the masters of ssh) is ended
  afterwards, so each run begins without an open connection, as a nightly one does.
- **CPU** is that of a control group which holds all the tool's processes, and that of the three hosts' groups. **Memory** is the highest
  sum of the proportional set sizes of all its processes, looked at five times a second, so what they share counts once.
- **Bytes** (with IP headers) and **connections** are counted by nftables in the router's namespace, the mean of the three hosts.
- **Delay and loss**: a program of the lab (\`lab/slow-link.pl\`) carries every packet between this machine and the servers through two TUN
  devices, holds each back for half the delay and loses it with the given chance, in each direction. So the handshakes of TCP and SSH are as
  slow as everything else. It is in place only where a delay is named.
- **Round trips** are counted there: the longest chain of packets of which each waited for the one before. Pipelined requests count once.
- A run that takes ${limit} s is ended and shows as "more than". A peer that was stopped so is not tried with larger works. After
  ${budget} s in one setting a peer gets no further repeat there, so a slow one has fewer runs.`;
