import { posix } from "node:path";
import type { Guard } from "../step.ts";
import { bootUnit, filesUnit, type GuardedChange, guardRoot, serviceUnit, timerUnit, units } from "./guard-units.ts";
import { quoted } from "./quote.ts";

/** What the scripts exit with; 75 is EX_TEMPFAIL of sysexits.h. */
export const exits = { inProgress: 75, another: 3, undone: 4, unknown: 5, goingDown: 6 } as const;

/** Where everything of one change lies; the lock is on a directory that is always there, so that no lock file stays. */
function preamble(id: string): string {
  return `root=${guardRoot}
dir=$root/${id}
lock() { exec 9</var/lib && flock -w 20 9; }
disarm() {
    systemctl --quiet stop onprem-guard.timer 2>/dev/null
    rm -f ${units.timer} ${units.now} ${units.files} ${units.boot}
    rm -f /etc/systemd/system/sysinit.target.wants/onprem-guard-files.service
    rm -f /etc/systemd/system/multi-user.target.wants/onprem-guard-boot.service
    rm -f "$root/current"
    systemctl daemon-reload
    systemctl --quiet reset-failed 'onprem-guard*' 2>/dev/null
    sync -f /etc/systemd/system "$root"
}
forget() {
    rm -rf "$dir"
    rmdir --ignore-fail-on-non-empty "$root" /var/lib/onprem
}
`;
}

/**
 * Saves everything, then arms timer and units, all before anything changes. Prints, in seconds since boot, when it
 * began and when the window opened. Leaves nothing behind when it fails; exits 75 and names the other one when a change waits already.
 */
export function armScript(change: GuardedChange): string {
  const { id, guard, seconds, by } = change;
  const saved = guard.files.map((path, index) => `keep ${index} ${quoted(path)}`);
  const outputs = Object.entries(guard.save ?? {}).map(
    ([name, argv]) =>
      `${argv.map(quoted).join(" ")} </dev/null >"$dir/out/"${quoted(name)} 2>/dev/null || rm -f "$dir/out/"${quoted(name)}`,
  );
  const put = (path: string, text: string) => `printf %s ${quoted(text)} >${path}`;
  return `set -u
umask 077
${preamble(id)}
begun=$(cut -d ' ' -f 1 /proc/uptime)
lock || { echo 'another guarded change is being prepared'; exit ${exits.inProgress}; }
if other=$(readlink "$root/current"); then
    if [ -e "$root/$other/armed" ] && [ "$(readlink "$root/$other/decision")" != confirmed ]; then
        cat "$root/$other/about"
        exit ${exits.inProgress}
    fi
    disarm
fi
# What was undone stays until its maker has seen it; nobody looks for it after an hour.
[ ! -d "$root" ] || find "$root" -mindepth 1 -maxdepth 1 -type d -mmin +60 -exec rm -rf {} +

keep() {
    if [ -e "$2" ] || [ -L "$2" ]; then cp -aT -- "$2" "$dir/files/$1"; else : >"$dir/absent/$1"; fi
}
fail() {
    code=$?
    set +e
    [ $code = 0 ] && exit 0
    disarm
    forget
    exit $code
}
trap fail EXIT
set -e
mkdir -p "$dir/files" "$dir/absent" "$dir/out"
expires=$(date -u -d '+${seconds} seconds' '+%F %T UTC')
printf '%s\\n' ${quoted(`${id}, by ${by}, since `)}"$(date -u '+%F %T UTC'), undone at $expires unless confirmed" >"$dir/about"
${[...saved, ...outputs].join("\n")}
# A disk that is full shows here, where the commands above may have kept it to themselves.
head -c 65536 /dev/zero >"$dir/room"
sync "$dir/room"
rm "$dir/room"
${put('"$dir/restore"', restoreScript(change))}
umask 022
mkdir -p /run/systemd/system
${put(units.timer, timerUnit(change))}
${put(units.now, serviceUnit(change))}
${put(units.files, filesUnit(change))}
${put(units.boot, bootUnit(change))}
ln -s ${id} "$root/current"
systemctl daemon-reload
systemctl --quiet enable onprem-guard-files.service onprem-guard-boot.service
: >"$dir/armed"
sync -f "$dir" /etc/systemd/system
echo "$begun"
cut -d ' ' -f 1 /proc/uptime
systemctl start onprem-guard.timer
systemctl --quiet is-active onprem-guard.timer
systemctl --quiet is-enabled onprem-guard-files.service
systemctl --quiet is-enabled onprem-guard-boot.service
`;
}

/**
 * Puts everything back; with the word `files`, only the files. May run any number of times. Whoever of this and the
 * confirmation makes the link `decision` first wins, for link(2) is atomic.
 */
export function restoreScript({ id, guard }: GuardedChange): string {
  const files = guard.files.map((path, index) => {
    const parent = posix.dirname(path);
    return `put_back ${index} ${quoted(path)} ${quoted(parent)} ${quoted(posix.join(parent, `.onprem-restore-${id}`))}`;
  });
  const commands = guard.restore.map((argv) => {
    const needed = argv
      .flatMap((word) => savedName(word, guard) ?? [])
      .map((name) => `[ -e "$dir/out/"${quoted(name)} ]`);
    const words = argv.map((word) => {
      const name = savedName(word, guard);
      return name === undefined ? quoted(word) : `"$dir/out/"${quoted(name)}`;
    });
    return [...needed, `again ${words.join(" ")}`].join(" && ");
  });
  return `${preamble(id)}
say() { logger -t onprem-guard -- "${id}: $*" || echo "$*"; }
[ "$(readlink "$root/current")" = ${id} ] || exit 0
if ! ln -s restoring "$dir/decision" 2>/dev/null && [ "$(readlink "$dir/decision")" != restoring ]; then
    disarm
    forget
    exit 0
fi
sync -f "$dir"
failed=0
# number, path, its directory, a temporary name in there
put_back() {
    if [ -e "$dir/absent/$1" ]; then
        rm -rf -- "$2"
        # Where its directory was not made yet there is nothing to put on the disk either.
        [ -d "$3" ] || return 0
    else
        mkdir -p -- "$3"
        rm -rf -- "$4"
        cp -aT --remove-destination -- "$dir/files/$1" "$4" && { [ ! -d "$2" ] || [ -L "$2" ] || rm -rf -- "$2"; } && mv -fT -- "$4" "$2"
    fi && sync -f -- "$3" || { say "could not put back $2"; failed=1; }
}
again() {
    timeout -k 5 60 "$@" </dev/null >>"$dir/log" 2>&1 || { say "failed: $*: $(tail -n 3 "$dir/log")"; failed=1; }
}
say "undoing it\${1:+, the $1 first}"
${files.join("\n")}
[ "\${1-}" = files ] && exit $failed
${commands.join("\n")}
[ $failed = 0 ] || exit 1
: >"$dir/restored"
sync -f "$dir"
lock
disarm
say "undone, the host is as it was before"
exit 0
`;
}

function savedName(word: string, guard: Guard): string | undefined {
  const name = /^\{(.+)\}$/.exec(word)?.[1];
  return name !== undefined && Object.hasOwn(guard.save ?? {}, name) ? name : undefined;
}

/**
 * Keeps the change. Exits 3 where another change waits, 4 where this one is undone already, 5 where nothing waits, and 6
 * where the host is on its way down: that it still lets us in proves nothing of how it comes up. logind waits with a reboot for
 * whoever holds an inhibitor (systemd-inhibit(1)), and until then systemd itself knows nothing of it.
 */
export function confirmScript(id: string): string {
  return `set -u
${preamble(id)}
if [ "$(readlink "$root/current")" != ${id} ]; then
    [ -L "$dir/decision" ] && exit ${exits.undone}
    [ -L "$root/current" ] && exit ${exits.another}
    exit ${exits.unknown}
fi
[ -e "$dir/armed" ] || exit ${exits.unknown}
if [ ! -L "$dir/decision" ]; then
    [ "$(systemctl is-system-running)" != stopping ] || exit ${exits.goingDown}
    login1=org.freedesktop.login1
    waits=$(timeout 5 busctl get-property $login1 /org/freedesktop/login1 $login1.Manager PreparingForShutdown 2>/dev/null)
    [ "$waits" != 'b true' ] || exit ${exits.goingDown}
fi
if ! ln -s confirmed "$dir/decision" 2>/dev/null && [ "$(readlink "$dir/decision")" != confirmed ]; then
    exit ${exits.undone}
fi
sync -f "$dir"
lock
disarm
forget
exit 0
`;
}

/**
 * Has the change undone now and waits some seconds for that. Prints `undone`, `waiting`, or `gone` where the host knows
 * nothing of it: it was confirmed. Clears nothing up, for on a frozen connection it may arrive long after it was sent.
 */
export function undoneScript(id: string, seconds: number): string {
  return `set -u
${preamble(id)}
[ -d "$dir" ] || { echo gone; exit 0; }
[ -e "$dir/restored" ] || systemctl --quiet start onprem-guard.service 2>/dev/null
end=$(($(cut -d . -f 1 /proc/uptime) + ${seconds}))
while [ ! -e "$dir/restored" ] || [ -L "$root/current" ]; do
    [ -d "$dir" ] || { echo gone; exit 0; }
    [ "$(cut -d . -f 1 /proc/uptime)" -lt "$end" ] || { echo waiting; tail -n 3 "$dir/log" 2>/dev/null; exit 0; }
    sleep 0.2
done
echo undone
`;
}

/** Clears up after a change that was undone, once we know it. */
export function forgetScript(id: string): string {
  return `set -u
${preamble(id)}
lock
[ ! -e "$dir/restored" ] || forget
`;
}
