import { type RunStep, run } from "../step.ts";

/** The locks of apt and dpkg, in the order in which they are taken. */
const locks = [
  "/var/lib/dpkg/lock-frontend",
  "/var/lib/dpkg/lock",
  "/var/lib/apt/lists/lock",
  "/var/cache/apt/archives/lock",
];

/** Nobody is there to answer questions. */
const env = { DEBIAN_FRONTEND: "noninteractive", APT_LISTCHANGES_FRONTEND: "none" };

/** Changed configuration files stay as they are: what a program wants in them, it says with a File. */
const keepConfiguration = ["--force-confdef", "--force-confold"];

const property = "packages";

/** Who holds a lock, in words; nothing when nobody does. fcntl(2) tells; the structure is that of 64-bit Linux. */
const holder = `
use strict;
use warnings;
use Fcntl qw(F_GETLK F_UNLCK F_WRLCK SEEK_SET);
sub holder {
    for my $file (split /:/, $_[0]) {
        open(my $handle, '<', $file) or next;
        my $lock = pack('s s x4 q q l x4', F_WRLCK, SEEK_SET, 0, 0, 0);
        fcntl($handle, F_GETLK, $lock) or next;
        my ($type, $pid) = (unpack 's s x4 q q l', $lock)[0, 4];
        next if $type == F_UNLCK;
        open(my $words, '<', "/proc/$pid/cmdline");
        my $command = do { local $/; $words ? <$words> // '' : '' };
        $command =~ s/\\0+/ /g;
        $command =~ s/ +$//;
        return "process $pid ($command) holds $file";
    }
    return;
}
`;

/** The exit code of waiting in vain; EX_TEMPFAIL of sysexits.h. */
const inVain = 75;

/** Waits until nobody holds a lock, then lets dpkg finish what was interrupted; without that, apt refuses to work. */
const waitScript = `${holder}
my ($patience, $locks, @configure) = @ARGV;
# No clock that somebody, or chrony, can set in the meantime.
sub now { open(my $uptime, '<', '/proc/uptime') or die "/proc/uptime: $!\\n"; return (split ' ', <$uptime>)[0] }
my $began = now();
while (my $held = holder($locks)) {
    my $waited = int(now() - $began);
    if ($waited >= $patience) {
        print STDERR "$held; waited $waited s\\n";
        exit ${inVain};
    }
    select(undef, undef, undef, 0.5);
}
exec { $configure[0] } @configure;
`;

/** Says who holds a lock, if it is not the very dpkg that the step has come to. */
const tellScript = `${holder}
my ($locks, @configure) = @ARGV;
my $held = holder($locks) // '';
print $held if index($held, "(@configure)") < 0;
`;

/**
 * Fetches the package lists if they are older than a day, or if something is not to be had by them; then installs.
 * apt-get takes a name that it does not know for a regular expression, so names are looked up first.
 */
const installScript = `
use strict;
use warnings;
my @options;
push @options, shift @ARGV while $ARGV[0] ne '--';
shift @ARGV;
my $fetched = '/var/lib/apt/lists/partial';
sub unknown {
    open(my $names, '-|', 'apt-cache', 'pkgnames') or die "apt-cache: $!\\n";
    my %known = map { chomp; ($_ => 1) } <$names>;
    return grep { !$known{$_} } map { s/[:=].*//r } @ARGV;
}
sub downloaded {
    open(my $said, '-|', 'sh', '-c', 'exec "$@" 2>&1', 'sh', 'apt-get', @options, '--download-only', 'install', '--', @ARGV)
        or die "apt-get: $!\\n";
    my @said = <$said>;
    return close $said;
}
my $days = -M $fetched;
if (!defined $days or $days > 1 or unknown() or !downloaded()) {
    utime(undef, undef, $fetched) if system('apt-get', @options, 'update') == 0;
    my @unknown = unknown();
    if (@unknown) {
        print STDERR "no package source of this host has @unknown\\n";
        exit 100;
    }
}
exec { 'apt-get' } 'apt-get', @options, 'install', '--', @ARGV;
`;

/** The step before any other: afterwards apt and dpkg can work. @param patience Seconds to wait for other package managers. */
export function settle(patience: number): RunStep {
  const argv = ["perl", "-e", waitScript, "--", `${patience}`, locks.join(":")];
  const configure = ["dpkg", ...keepConfiguration, "--configure", "--pending"];
  return run("wait for other package managers and finish what was interrupted", [...argv, ...configure], {
    env,
    property,
    deadline: patience + 600,
    survives: true,
    waitsFor: ["perl", "-e", tellScript, "--", locks.join(":"), ...configure],
    remedies: {
      1: "Mend or remove the package that it names (`dpkg --configure -a` shows the same), then run the update again.",
      [inVain]: "Let it finish, or end it if it hangs, then run the update again; `lockTimeout` is how long we wait.",
    },
  });
}

/** How packages are installed. */
export interface Installing {
  /** Seconds to wait for other package managers. */
  readonly patience: number;
  readonly recommends: boolean;
  /** Whether a pinned version may be older than what is there. */
  readonly downgrades: boolean;
}

/** Installs packages, each given as `name` or `name=version`. */
export function install(packages: readonly string[], { patience, recommends, downgrades }: Installing): RunStep {
  const options = [
    "--yes",
    "--quiet",
    ...["-o", `DPkg::Lock::Timeout=${patience}`],
    // On a terminal of apt's own, what dpkg says of a failure would be lost among what it says of its progress.
    ...["-o", "Dpkg::Use-Pty=0"],
    ...keepConfiguration.flatMap((option) => ["-o", `Dpkg::Options::=${option}`]),
    recommends ? "--install-recommends" : "--no-install-recommends",
    ...(downgrades ? ["--allow-downgrades"] : []),
  ];
  return run(`install ${packages.join(", ")}`, ["perl", "-e", installScript, "--", ...options, "--", ...packages], {
    env,
    property,
    deadline: 1800,
    survives: true,
  });
}

/** Removes packages. dpkg, and not apt-get, which would remove what depends on them as well. */
export function uninstall(packages: readonly string[], purge: boolean): RunStep {
  return run(`remove ${packages.join(", ")}`, ["dpkg", purge ? "--purge" : "--remove", "--", ...packages], {
    env,
    property,
    deadline: 600,
    survives: true,
  });
}

/** Puts packages on hold, so that no upgrade changes their version. */
export function hold(packages: readonly string[]): RunStep {
  return run(`put ${packages.join(", ")} on hold`, ["apt-mark", "hold", "--", ...packages], { property });
}

export function unhold(packages: readonly string[]): RunStep {
  return run(`take ${packages.join(", ")} off hold`, ["apt-mark", "unhold", "--", ...packages], { property });
}
