import { run, type Step } from "../step.ts";
import { keep, putBack } from "./kept.ts";
import { act, compare, daemonReload, stampAt, systemctl, unitFolder, type Verb, writeUnitFile } from "./systemctl.ts";
import { filesOf, type SystemdUnitMemory, type SystemdUnitSeen, type SystemdUnitWant } from "./systemd-unit.ts";

/** The steps of a unit: its files, then systemd's view of them, then whether it starts at boot, then whether it runs. */
export function planUnit(want: SystemdUnitWant, seen: SystemdUnitSeen | undefined, memory?: SystemdUnitMemory): Step[] {
  const { name } = want;
  const unread = Object.entries(want.reads).filter(([path, sha256]) => !seen?.reads[path]?.startsWith(sha256));
  const files = fileSteps(want, seen, memory);
  const hasFiles = Object.keys(filesOf(want)).length > 0;
  const reload = files.length > 0 || (hasFiles && seen?.needsReload === true);
  const property = files.at(-1)?.property ?? "unit";
  return [
    ...(unread.length > 0 ? [compare(unread)] : []),
    ...(want.masked === false && seen?.masked ? [systemctl("unmask", "unmask", name, "masked")] : []),
    ...files,
    ...(reload ? [daemonReload(property)] : []),
    ...enabledSteps(want, seen),
    ...runningSteps(want, seen, reload ? property : undefined),
    ...(want.masked === true && !seen?.masked ? [systemctl("mask", "mask", name, "masked")] : []),
  ];
}

/** Takes away what is ours and leaves the unit, if it was there before us, as it was. */
export function removeUnit(seen: SystemdUnitSeen, memory?: SystemdUnitMemory): Step[] {
  if (memory === undefined) return [];
  const { name } = seen;
  const ours = Object.keys(filesOf({ name, unit: seen.unit ?? "", dropIns: seen.dropIns }));
  const files = takeAway(
    name,
    ours.filter((file) => memory.written.includes(file)),
    seen,
    memory,
  );
  const reload = files.length > 0 ? [daemonReload("unit")] : [];
  const forget = run(`forget what ${name} has read`, ["rm", "-f", "--", stampAt(name)]);
  if (!memory.existed) {
    return [
      stop(name),
      ...(seen.enabled ? [switched(name, false)] : []),
      ...(memory.before.masked === false && seen.masked ? [systemctl("unmask", "unmask", name, "masked")] : []),
      ...files,
      ...reload,
      // Exit code 1: it is not loaded any more, and so has not failed.
      systemctl("forget a failure of", "reset-failed", name, "running", { exits: [0, 1] }),
      forget,
    ];
  }
  const steps = [...files, ...reload, ...asBefore(seen, memory, files.length > 0)];
  return steps.length > 0 ? [...steps, forget] : [];
}

/** Brings a unit that was there before us back to how it was. Without its package there is nothing to bring back. */
function asBefore(seen: SystemdUnitSeen, { before }: SystemdUnitMemory, isChanged: boolean): Step[] {
  const { name } = seen;
  const unmask = before.masked === false && seen.masked ? [systemctl("unmask", "unmask", name, "masked")] : [];
  if (seen.unitFileState === "") return unmask;
  const isSwitched = before.enabled !== undefined && before.enabled !== seen.enabled;
  const isOther = before.running !== undefined && before.running !== seen.running;
  const restart = isChanged && before.running !== false;
  return [
    ...unmask,
    ...(isSwitched ? [switched(name, before.enabled === true)] : []),
    ...(isOther && before.running ? [systemctl("start", "start", name, "running", { deadline: 300 })] : []),
    ...(isOther && !before.running ? [stop(name)] : []),
    ...(!isOther && restart ? [systemctl("restart, if it runs,", "try-restart", name, "unit", { deadline: 300 })] : []),
    ...(before.masked === true && !seen.masked ? [systemctl("mask", "mask", name, "masked")] : []),
  ];
}

/** Exit code 5: it is not loaded, so it does not run. */
function stop(name: string): Step {
  return systemctl("stop", "stop", name, "running", { deadline: 300, exits: [0, 5] });
}

function fileSteps(want: SystemdUnitWant, seen: SystemdUnitSeen | undefined, memory?: SystemdUnitMemory): Step[] {
  const { name } = want;
  const wanted = Object.entries(filesOf(want));
  const there = seen === undefined ? {} : filesOf({ name, unit: seen.unit ?? "", dropIns: seen.dropIns });
  const changed = wanted.filter(([file, text]) => there[file] !== text);
  const dropped = Object.keys(there).filter(
    (file) => memory?.written.includes(file) && !wanted.some(([other]) => other === file),
  );
  const adopted = changed.filter(
    ([file]) => file in there && memory?.adopted.includes(file) && !seen?.kept.includes(file),
  );
  const needsFolder = changed.some(([file]) => file !== name);
  const folder = `${unitFolder}/${name}.d`;
  return [
    ...adopted.flatMap(([file]) => keep(`${unitFolder}/${file}`, propertyOf(name, file))),
    ...(needsFolder
      ? [run(`make ${folder}`, ["install", "-d", "-m", "0755", "--", folder], { property: "dropIns" })]
      : []),
    ...changed.map(([file, text]) => writeUnitFile(name, file, text, propertyOf(name, file))),
    ...(seen === undefined || memory === undefined ? [] : takeAway(name, dropped, seen, memory)),
  ];
}

/** Removes files, or puts back what they replaced, and removes the folder of drop-ins if nothing is left in it. */
function takeAway(name: string, files: readonly string[], seen: SystemdUnitSeen, memory: SystemdUnitMemory): Step[] {
  const folder = `${unitFolder}/${name}.d`;
  const steps = files.flatMap((file): Step[] => {
    const path = `${unitFolder}/${file}`;
    const property = propertyOf(name, file);
    if (!memory.adopted.includes(file)) return [run(`remove ${path}`, ["rm", "-f", "--", path], { property })];
    return seen.kept.includes(file) ? [putBack(path, property)] : [];
  });
  const hasDropIn = files.some((file) => file !== name);
  if (hasDropIn && steps.length > 0) {
    const argv = ["rmdir", "--ignore-fail-on-non-empty", "--", folder];
    steps.push(run(`remove ${folder} if it is empty`, argv, { property: "dropIns" }));
  }
  return steps;
}

function enabledSteps(want: SystemdUnitWant, seen: SystemdUnitSeen | undefined): Step[] {
  const { name, enabled } = want;
  if (enabled === undefined || (enabled === false && !seen?.enabled)) return [];
  if (enabled !== seen?.enabled) return [switched(name, enabled)];
  // Another [Install] section makes other links.
  const isRewritten = want.unit !== undefined && want.unit !== seen.unit;
  return isRewritten ? [systemctl("enable anew", "reenable", name, "enabled")] : [];
}

/** @param changed The property by which the unit itself has changed. */
function runningSteps(want: SystemdUnitWant, seen: SystemdUnitSeen | undefined, changed: string | undefined): Step[] {
  const { name, running, timeout, onChange } = want;
  const reads = [...Object.keys(filesOf(want)).map((file) => `${unitFolder}/${file}`), ...Object.keys(want.reads)];
  const does = (verb: Verb, property: string) => [act(verb, name, reads, timeout, property)];
  if (running === false) {
    return seen === undefined || seen.running === false
      ? []
      : [systemctl("stop", "stop", name, "running", { deadline: timeout })];
  }
  const isNew = changed ?? (seen?.outdated.length ? "unit" : undefined);
  if (running === true && seen?.running !== true) {
    // Whether it runs was not of interest until now.
    const mayRun = seen !== undefined && seen.running === undefined && isNew !== undefined;
    return does(mayRun ? "restart" : "start", "running");
  }
  if (isNew !== undefined) {
    // A template's file has no process of its own.
    if (/@\.[a-z]+$/.test(name)) return [];
    return does(running === true ? "restart" : "try-restart", isNew);
  }
  const isStale = Object.entries(want.reads).some(([path, sha256]) => seen?.reads[path] !== sha256);
  return isStale && seen !== undefined
    ? does(onChange === "reload" ? "reload" : running ? "restart" : "try-restart", "reads")
    : [];
}

function switched(name: string, enabled: boolean): Step {
  return enabled ? systemctl("enable", "enable", name, "enabled") : systemctl("disable", "disable", name, "enabled");
}

function propertyOf(name: string, file: string): string {
  return file === name ? "unit" : "dropIns";
}
