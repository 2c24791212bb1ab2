import { type RunStep, run, type WriteStep, write } from "../step.ts";

/** Where unit files of the administrator live; systemd.unit(5). */
export const unitFolder = "/etc/systemd/system";

/** What a unit had loaded when we last started, restarted or reloaded it; gone after a reboot, as the unit's state is. */
export function stampAt(name: string): string {
  return `/run/onprem/units/${name}`;
}

/** What systemctl does to a unit so that it runs, or runs with what is on disk now. */
export type Verb = "start" | "restart" | "try-restart" | "reload";

/**
 * Starts, restarts or reloads a unit and notes what it has read: its invocation (systemd.exec(5)) in the first line, then
 * SHA-256 and path of each file, hashed before the unit read them. A service that ends at once is a failure too; what the
 * unit said is shown.
 */
const actScript = `
verb=$1 unit=$2
shift 2
mkdir -p /run/onprem/units && new=$(mktemp /run/onprem/units/.XXXXXX) || exit
trap 'rm -f -- "$new" "$new.id"' EXIT
[ $# -eq 0 ] || sha256sum -z -- "$@" > "$new" || exit
value() { systemctl show --value -p "$1" -- "$unit"; }
explain() {
    [ "$(value Result)" = success ] || echo "result: $(value Result)"
    journalctl --quiet --no-pager -o cat -n 10 --since "@$began" -u "$unit"
    echo "'systemctl status $unit' on the host shows more"
    exit 1
} >&2
began=$(date +%s)
systemctl "$verb" -- "$unit" || explain
case $verb,$(value Type) in
    *start,simple | *start,exec | *start,idle)
        for _ in 1 2 3 4 5; do
            sleep 0.1
            case $(value ActiveState) in
                failed | activating) echo "$unit did not stay up" >&2; explain ;;
            esac
        done ;;
esac
value InvocationID > "$new.id" && cat -- "$new" >> "$new.id" && chmod 0644 "$new.id" && mv -f -- "$new.id" "/run/onprem/units/$unit"
`;

/** @param reads Paths whose content the unit has loaded afterwards. @param timeout Seconds. */
export function act(verb: Verb, name: string, reads: readonly string[], timeout: number, property: string): RunStep {
  const title = { start: "start", restart: "restart", "try-restart": "restart, if it runs,", reload: "reload" }[verb];
  const argv = ["sh", "-c", actScript, "sh", verb, name, ...reads];
  return run(`${title} ${name}`, argv, { property, deadline: timeout });
}

/** One call of systemctl about a unit. */
export function systemctl(
  title: string,
  verb: string,
  name: string,
  property: string,
  more: { deadline?: number; exits?: readonly number[] } = {},
): RunStep {
  return run(`${title} ${name}`, ["systemctl", verb, "--", name], { property, ...more });
}

/** systemd reads all unit files anew. */
export function daemonReload(property: string): RunStep {
  return run("let systemd read its units anew", ["systemctl", "daemon-reload"], { property });
}

/**
 * Lets systemd judge a unit file or drop-in under its real name, in a folder of its own. Words that it would ignore are
 * errors here: they are typing mistakes. A colon in a name means something else to systemd-analyze(1). The folder is in /run,
 * for /tmp may be full; what a killed run left there goes after ten minutes, when no living one can still need it.
 */
const verifyScript = `
file=$1 unit=$2 target=$3
case $unit in *:*) exit 0 ;; esac
find /run -maxdepth 1 -name '.onprem-verify-*' -mmin +10 -exec rm -rf {} +
folder=$(mktemp -d /run/.onprem-verify-XXXXXXXX) || exit
trap 'rm -rf -- "$folder"' EXIT
if [ "$target" != "$unit" ]; then
    fragment=/etc/systemd/system/$unit
    [ -f "$fragment" ] || fragment=$(systemctl show --value -p FragmentPath -- "$unit")
    [ -n "$fragment" ] || { echo "there is no unit $unit" >&2; exit 1; }
    mkdir -- "$folder/$unit.d" && cp -- "$fragment" "$folder/$unit" || exit
fi
cp -- "$file" "$folder/$target" || exit
said=$(SYSTEMD_LOG_COLOR=0 systemd-analyze --man=no verify "$folder/$unit" 2>&1)
if [ $? -eq 0 ]; then
    said=$(printf '%s\\n' "$said" | grep -F -- "$folder/$target:" | grep -F ignoring)
    [ -n "$said" ] || exit 0
fi
printf '%s\\n' "$said" | sed "s|$folder/|/etc/systemd/system/|g" >&2
exit 1
`;

/** Writes a unit file or one of its drop-ins once systemd accepts it. @param file Path below `unitFolder`. */
export function writeUnitFile(name: string, file: string, content: string, property: string): WriteStep {
  const path = `${unitFolder}/${file}`;
  return write(`write ${path}`, {
    path,
    content,
    owner: "root",
    group: "root",
    mode: "0644",
    validate: ["sh", "-c", verifyScript, "sh", "{}", name, file],
    property,
  });
}

const compareScript = `
while [ $# -gt 0 ]; do
    [ "$(sha256sum < "$1" | cut -c -64)" = "$2" ] || {
        printf '%s is not the file that was announced, whose SHA-256 is %s\\n' "$1" "$2" >&2
        echo "The resource that manages the file must come first: dependsOn." >&2
        exit 1
    }
    shift 2
done
`;

/** Fails unless each file has the SHA-256 that the unit is to read. */
export function compare(files: readonly (readonly [path: string, sha256: string])[]): RunStep {
  const paths = files.map(([path]) => path);
  return run(`find ${paths.join(", ")} as announced`, ["sh", "-c", compareScript, "sh", ...files.flat()], {
    property: "reads",
  });
}
