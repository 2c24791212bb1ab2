const starts =
  "the engine starts the plugin twice for each server, one after the other: six starts here, two in a stack of one server as a customer has it; the empty program starts none (see the breakdown)";

/** Reasons, by aim, that are shown only where a result misses it. What a reason says was found by `--breakdown` or by looking. */
export const whyMissed: Readonly<Record<string, string>> = {
  "floor-20-files": starts,
  "floor-20-tree": starts,
  "floor-600-tree": `${starts}; and a tree's inputs and outputs both hold the texts, which SDK and engine read and write several times`,
  "pyinfra-600":
    "SDK and engine work on each of the 1,800 resources by itself, whatever the plugin does; as one tree they are three",
  "ansible-onprem-file":
    "a run of Pulumi has a floor of its own, which a small work of Ansible's does not exceed five times; with many single files the engine's work on each resource is added",
  "ansible-onprem-tree":
    "a run of Pulumi has a floor of its own, which a small work of Ansible's does not exceed five times",
  "first-onprem-file":
    "the engine writes the whole state to its back end after each resource; with hundreds of single files that is most of a first run, and as one tree it is one resource",
  memory:
    "Node with Pulumi's SDK holds the program's 1,800 resources several times, and the engine keeps two processes of the plugin for each server",
};
