// How a pair becomes what visitors are shown, and how it is undone: scripts for the host's own shell (dash).

/** Waits for nothing longer than five seconds: who serves what at the host's own port, as a browser would be shown it. */
export const handshake = `served() {
    timeout 5 openssl s_client -connect "$1" -servername "$2" </dev/null 2>/dev/null | openssl x509 -noout -fingerprint -sha256 2>/dev/null | sed 's/.*=//' || true
}`;

/** Reloads `$unit`, and waits until it shows the certificate whose fingerprint is `$want`; else why not is in `$said`. */
const takes = `now() { cut -d . -f 1 /proc/uptime; }
takes() {
    said=$(systemctl reload -- "$unit" 2>&1) || return 1
    # By the clock: one that hangs keeps each question for seconds.
    end=$(($(now) + 10))
    while [ "$(now)" -le "$end" ]; do
        got=$(served "127.0.0.1:$port" "$name")
        [ "$got" != "$want" ] || return 0
        sleep 0.25
    done
    said="it serves another certificate after 10 s: \${got:-none}"
    return 1
}`;

/**
 * `back` puts `$old` in the place of `$version`, which is kept for the next run: that asks for no other. `settle` ends what was begun: of
 * versions, the live one and `$old` stay, for people.
 */
const moving = `point() { ln -sfn -- "$1" "$folder/live.new" && mv -T -- "$folder/live.new" "$folder/live"; }
back() {
    point "$old"
    rm -rf -- "$folder/next"
    mv -T -- "$folder/$version" "$folder/next"
    systemctl reload -- "$unit" || true
    rm -f -- "$folder/before"
}
settle() {
    rm -f -- "$folder/$version/request.pem" "$folder/$version/for"
    ls -1 -- "$folder/versions" | while read -r stale; do
        case versions/$stale in "$version" | "$old") ;; *) rm -rf -- "$folder/versions/$stale" ;; esac
    done
    rm -f -- "$folder/before"
}`;

/**
 * `FOLDER NAME PORT UNIT`: puts the new pair in the place of the old, in one move, and lets the web server read it. Where that refuses it, or
 * does not serve it, the old pair is back and served. A first pair is put there whatever the server shows, and what that is is noted: as
 * long as it is the same, the server has not been set up for the pair. What was taken still has to be seen from outside: until then `before` leads to
 * the old pair, by which a run after one that was killed knows. Exit 3: the pair is none; 4: the server did not take it. No UNIT: nobody
 * reads it yet.
 */
export const installScript = `set -eu
umask 077
folder=$1 name=$2 port=$3 unit=$4
next=$folder/next
${handshake}
# A renewal that could wait brought none.
[ -s "$next/fullchain.pem" ] || exit 0
want=$(openssl x509 -in "$next/fullchain.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
one=$(openssl x509 -in "$next/fullchain.pem" -noout -pubkey | sha256sum)
other=$(openssl pkey -in "$next/key.pem" -pubout | sha256sum)
[ "$one" = "$other" ] || { echo "the certificate is not for the key that was made here" >&2; exit 3; }
version=versions/$(date -u +%Y%m%dT%H%M%S)-$(openssl x509 -in "$next/fullchain.pem" -noout -serial | sed 's/.*=//' | tail -c 17)
# Of a run that was killed: the pair that was proven last.
old=$(readlink -- "$folder/before" || true)
[ -n "$old" ] && [ -s "$folder/$old/fullchain.pem" ] || old=$(readlink -- "$folder/live" || true)
${moving}
sync -f "$next" 2>/dev/null || sync
# Where there is no room for a link, the new pair is still where the next run looks for it.
ln -sfn -- "$version" "$folder/live.new"
[ -z "$old" ] || ln -sfn -- "$old" "$folder/before"
mv -T -- "$next" "$folder/$version"
mv -T -- "$folder/live.new" "$folder/live"
reads() { [ -n "$unit" ] && systemctl is-active --quiet -- "$unit"; }
${takes}
shown=
if reads && { [ -z "$old" ] || [ -s "$folder/$old/shown-before" ]; }; then shown=$(served "127.0.0.1:$port" "$name"); fi
if [ -z "$old" ] || { [ -n "$shown" ] && [ "$shown" = "$(cat "$folder/$old/shown-before")" ]; }; then
    # Nobody can be told to read a pair before it is there: what the server shows until then is no refusal.
    [ -z "$shown" ] || echo "$shown" >"$folder/$version/shown-before"
    ! reads || systemctl reload -- "$unit" >&2 || true
elif reads; then
    # Exit 0: what is outside has the last word.
    ! takes || exit 0
    # Before the old pair's own reload adds to it.
    lines=$(journalctl --quiet --no-pager -o cat -n 5 -u "$unit" 2>/dev/null || true)
    back
    printf '%s\n' "$unit did not take the new certificate: $said" "$lines" >&2
    exit 4
fi
settle
`;

const begun = `set -eu
folder=$1 unit=$2
old=$(readlink -- "$folder/before") version=$(readlink -- "$folder/live")
${moving}
`;

/** `FOLDER UNIT`: the pair that was installed has been seen, or cannot be: it stays. */
export const settleScript = `${begun}settle
`;

/** `FOLDER UNIT`: the pair that was installed is not what is seen from outside: the old one is back, and served. */
export const backScript = `${begun}[ "$old" = "$version" ] || back
`;

/** `FOLDER NAME PORT UNIT`: lets the web server read the pair that is live. Exit 4: it did not take it. */
export const reloadScript = `set -eu
folder=$1 name=$2 port=$3 unit=$4
${handshake}
want=$(openssl x509 -in "$folder/live/fullchain.pem" -noout -fingerprint -sha256 | sed 's/.*=//')
${takes}
takes || { echo "$unit does not show the certificate: $said" >&2; exit 4; }
`;
