# Runs on the host, read from standard input and kept only in memory: carries out what frames.ts sends and answers it.
# Uses nothing beyond Debian's and Ubuntu's perl-base. $main::NONCE is set by the line that remote.ts puts in front.
#
#   exec     mode deadline until stdin env argv...  ->  started, then done: code signal late stdout stderr dropped...
#   inspect  path hash content recursive            ->  entry..., done
#   open     path owner group mode until            ->  (nothing, or failed)
#   data     bytes                                  ->  (nothing, or failed)
#   finish   size sha256 deadline validate...       ->  done, or failed
#   abort                                           ->  done
#   failed is: text code stderr, the last two empty unless a validating command said no.
#
# Looks run side by side, a few at a time; steps run when they come, for the other side sends them one by one.
use strict;
use warnings;
use Fcntl qw(:flock :mode F_GETFL F_SETFL O_CREAT O_DIRECTORY O_EXCL O_NOFOLLOW O_NONBLOCK O_RDONLY O_RDWR O_WRONLY);
use IO::Handle ();
use POSIX ();

use constant { EXEC => 1, INSPECT => 2, OPEN => 3, DATA => 4, FINISH => 5, ABORT => 6, PING => 7 };
use constant { STARTED => 65, ENTRY => 66, DONE => 67, FAILED => 68, PONG => 69 };
use constant {
    LOOKS    => 8,                   # looks at a time
    CAPTURED => 8 * 1024 * 1024,     # bytes kept of each output
    WAITING  => 4 * 1024 * 1024,     # unsent bytes at which children are no longer read
    LONGEST  => 64 * 1024 * 1024,    # bytes of the longest frame
    SILENCE  => 90,                  # seconds without a word from the other side, which pings every 15
    CARRIED  => 16 * 1024,           # files up to this size travel to be hashed: cheaper than starting sha256sum
};

# perl-base has no Time::HiRes: microseconds of mtime come from statx(2), whose structure is the same everywhere.
my %statx = (x86_64 => 332, aarch64 => 291, riscv64 => 291, ppc64le => 383, s390x => 379);
my $statx = $statx{ (POSIX::uname())[4] };

my ($in, $out, $heard, $dying) = ('', '', 0, 0);
my (%job, @queue, %upload);
my $looks = 0;

# Whatever a login left open is nothing for the commands that we run.
POSIX::close($_) for 3 .. 255;

open(my $uptime, '<', '/proc/uptime') or die "/proc/uptime: $!\n";

# Seconds since boot: no clock that somebody can set.
sub now {
    sysseek($uptime, 0, 0);
    sysread($uptime, my $text, 64);
    return (split ' ', $text)[0];
}

sub frame {
    my ($kind, $id, @fields) = @_;
    my $body = pack('C N (N/a*)*', $kind, $id, @fields);
    return pack('N', length $body) . $body;
}

sub reply { $out .= frame(@_) }

sub failed {
    my ($id, $text, $code, $stderr) = @_;
    reply(FAILED, $id, $text, $code // '', $stderr // '');
}

# ---- Children -------------------------------------------------------------------------------------------------------

# A child of its own process group. $what runs in it and must not return; @outputs are the names of pipes for 1 and 2.
sub start {
    my ($job, $what) = @_;
    my (%theirs, %ours);
    if ($job->{survives}) {
        # Unlinked files: pipes would end with us, and a full disk must not stop the command.
        for my $name (qw(in out err)) {
            my $path = sprintf '/run/.onprem-%s', random();
            sysopen($theirs{$name}, $path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600) or die "$path: $!\n";
            unlink $path;
        }
        put($theirs{in}, $job->{stdin});
        sysseek($theirs{in}, 0, 0);
        $job->{files} = { out => $theirs{out}, err => $theirs{err} };
    }
    else {
        pipe($ours{$_}, $theirs{$_}) or die "pipe: $!\n" for qw(out err);
        if (length $job->{stdin}) { pipe($theirs{in}, $ours{in}) or die "pipe: $!\n" }
        else                      { open($theirs{in}, '<', '/dev/null') or die "/dev/null: $!\n" }
    }
    my $pid = fork;
    die "fork: $!\n" unless defined $pid;
    if (!$pid) {
        eval {
            POSIX::setsid();
            $SIG{$_} = 'DEFAULT' for qw(HUP INT TERM PIPE CHLD);
            POSIX::dup2(fileno $theirs{in}, 0);
            POSIX::dup2(fileno $theirs{out}, 1);
            POSIX::dup2(fileno $theirs{err}, 2);
            $what->();
        };
        syswrite(STDERR, $@);
        POSIX::_exit(126);
    }
    $job->{pid}    = $pid;
    $job->{pipes}  = {};
    $job->{kill}   = now() + $job->{deadline};
    $job->{signal} = 'TERM';
    $job{$pid}     = $job;
    for my $name (grep { $ours{$_} } qw(out err)) {
        $job->{pipes}{$name} = $ours{$name};
        $job->{$name} = '';
        $job->{dropped}{$name} = 0;
    }
    if ($ours{in}) {
        nonblocking($ours{in});
        $job->{feed} = $ours{in};
    }
}

# Becomes the command. The fixed environment is what every command sees, whatever the login's shell has set.
sub become {
    my ($env, @argv) = @_;
    %ENV = (
        PATH => '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME => '/root', LC_ALL => 'C', %$env,
    );
    umask 022;
    chdir '/';
    { no warnings 'exec'; exec { $argv[0] } @argv }
    my $code = $!{ENOENT} ? 127 : 126;
    syswrite(STDERR, "$argv[0]: $!\n");
    POSIX::_exit($code);
}

sub begin {
    my ($job) = @_;
    $looks++ if $job->{look};
    reply(STARTED, $job->{id});
    eval { start($job, $job->{run}); 1 } or do {
        $looks-- if $job->{look};
        failed($job->{id}, $@);
    };
}

sub admit {
    while (@queue and $looks < LOOKS) { begin(shift @queue) }
}

# What a child wrote to one of its pipes; a worker's whole frames go straight on.
sub hear {
    my ($job, $name) = @_;
    my $got = sysread($job->{pipes}{$name}, my $bytes, 65536);
    return if !defined $got and ($!{EINTR} or $!{EAGAIN});
    if (!$got) {
        delete $job->{pipes}{$name};
        return;
    }
    if ($job->{worker} and $name eq 'out') {
        $job->{out} .= $bytes;
        while (length $job->{out} >= 9) {
            my $length = 4 + unpack('N', $job->{out});
            last if length $job->{out} < $length;
            my $frame = substr($job->{out}, 0, $length, '');
            my $kind = unpack('x4 C', $frame);
            $job->{answered} = 1 if $kind == DONE or $kind == FAILED;
            $out .= $frame;
        }
        return;
    }
    my $room = CAPTURED - length $job->{$name};
    $job->{dropped}{$name} += length($bytes) - $room if length $bytes > $room;
    $job->{$name} .= substr($bytes, 0, $room) if $room > 0;
}

sub feed {
    my ($job) = @_;
    my $put = syswrite($job->{feed}, $job->{stdin});
    if (!defined $put) {
        return if $!{EAGAIN} or $!{EINTR};
        delete $job->{feed};    # it does not want to read
        return;
    }
    substr($job->{stdin}, 0, $put, '');
    delete $job->{feed} unless length $job->{stdin};
}

sub reap {
    while ((my $pid = waitpid(-1, POSIX::WNOHANG())) > 0) {
        my $job = $job{$pid} or next;
        $job->{status} = $?;
        # A daemon that it started may hold the pipes open for ever.
        $job->{drained} = now() + 0.3;
    }
}

sub settle {
    for my $pid (keys %job) {
        my $job = $job{$pid};
        if (!defined $job->{status}) {
            next if now() < $job->{kill};
            $job->{late} = 1;
            kill $job->{signal}, -$job->{pid};
            $job->{kill} = now() + 2;
            $job->{signal} = 'KILL';
            next;
        }
        next if %{ $job->{pipes} } and now() < $job->{drained};
        delete $job{$pid};
        $looks-- if $job->{look};
        finished($job);
    }
    admit();
}

sub finished {
    my ($job) = @_;
    drop($job->{upload}) if $job->{upload};
    if ($job->{worker}) {
        return if $job->{answered};
        return failed($job->{id}, $job->{late} ? 'it took too long' : "it broke off: $job->{err}");
    }
    if ($job->{files}) {
        for my $name (qw(out err)) {
            my $size = -s $job->{files}{$name};
            sysseek($job->{files}{$name}, 0, 0);
            sysread($job->{files}{$name}, $job->{$name}, CAPTURED);
            $job->{dropped}{$name} = $size > CAPTURED ? $size - CAPTURED : 0;
        }
    }
    my $signal = $job->{status} & 127;
    reply(DONE, $job->{id}, $signal ? 128 + $signal : $job->{status} >> 8, $signal, $job->{late} // 0,
        $job->{out}, $job->{err}, $job->{dropped}{out}, $job->{dropped}{err});
}

# ---- Looking at paths -----------------------------------------------------------------------------------------------

sub seen {
    my ($path, $names) = @_;
    my $buffer = "\0" x 256;
    my $flags = 0x100;    # AT_SYMLINK_NOFOLLOW
    syscall($statx, -100, $path, $flags, 0x7ff, $buffer) == 0 or return;
    my ($uid, $gid, $mode, $size, $seconds, $nano) = unpack('x20 L L S x10 Q x64 q L', $buffer);
    return {
        path  => $path,
        type  => S_ISREG($mode) ? 'file' : S_ISDIR($mode) ? 'directory' : S_ISLNK($mode) ? 'link' : 'other',
        owner => $names->{"u$uid"} //= (getpwuid $uid)[0] // $uid,
        group => $names->{"g$gid"} //= (getgrgid $gid)[0] // $gid,
        mode  => sprintf('%04o', $mode & 07777),
        size  => $size,
        mtime => $seconds * 1_000_000 + int($nano / 1000),
    };
}

# The bytes of a file up to a limit; undef where it is longer or cannot be read. /proc says 0 of a size that is not.
sub bytes_of {
    my ($path, $limit) = @_;
    sysopen(my $file, $path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or return;
    my $bytes = '';
    while (length $bytes <= $limit) {
        my $got = sysread($file, $bytes, $limit + 1 - length $bytes, length $bytes);
        return unless defined $got;
        last unless $got;
    }
    return length $bytes > $limit ? undef : $bytes;
}

sub entry {
    my ($id, $seen, $bytes, $sha256) = @_;
    my $target = $seen->{type} eq 'link' ? readlink($seen->{path}) : undef;
    return frame(ENTRY, $id, map({ $seen->{$_} } qw(path type owner group mode size mtime)),
        defined $target ? "=$target" : '', defined $bytes ? "=$bytes" : '', $sha256 // '');
}

sub inspect {
    my ($id, $path, $hash, $content, $recursive) = @_;
    my $job = { id => $id, look => 1, worker => 1, deadline => 300, stdin => '' };
    if (!$recursive) {
        my $names = {};
        my $seen = seen($path, $names);
        if (!$seen) {
            return failed($id, "$path: $!") unless $!{ENOENT} or $!{ENOTDIR};
            return reply(DONE, $id);
        }
        my $simple = $seen->{type} ne 'file' || !($hash || $content);
        my $bytes = $simple ? undef : bytes_of($path, $hash && $content < CARRIED ? CARRIED : $content);
        if ($simple or defined $bytes or !$hash) {
            $out .= entry($id, $seen, $bytes);
            return reply(DONE, $id);
        }
    }
    $job->{run} = sub { walk($id, $path, $hash, $content, $recursive); POSIX::_exit(0) };
    push @queue, $job;
}

# In a child: everything below a path, hashing the long files by one sha256sum for many.
sub walk {
    my ($id, $top, $hash, $content, $recursive) = @_;
    my $limit = $hash && $content < CARRIED ? CARRIED : $content;
    my ($names, @long) = ({});
    my @paths = ($top);
    while (@paths) {
        my $path = shift @paths;
        my $seen = seen($path, $names);
        if (!$seen) {
            next if $!{ENOENT} or $!{ENOTDIR};
            put(\*STDOUT, frame(FAILED, $id, "$path: $!", '', ''));
            return;
        }
        my $bytes = $seen->{type} eq 'file' && $limit ? bytes_of($path, $limit) : undef;
        if ($seen->{type} eq 'file' and $hash and !defined $bytes) { push @long, $seen }
        else                                                       { put(\*STDOUT, entry($id, $seen, $bytes)) }
        if ($recursive and $seen->{type} eq 'directory') {
            my $directory;
            if (!opendir($directory, $path)) {
                next if $!{ENOENT} or $!{ENOTDIR};
                put(\*STDOUT, frame(FAILED, $id, "$path: $!", '', ''));
                return;
            }
            push @paths, map { $path eq '/' ? "/$_" : "$path/$_" } grep { $_ ne '.' && $_ ne '..' } readdir $directory;
        }
    }
    while (my @some = splice @long, 0, 200) {
        my %sha256 = sha256(map { $_->{path} } @some);
        for my $seen (@some) {
            put(\*STDOUT, entry($id, $seen, undef, $sha256{ $seen->{path} }));
        }
    }
    put(\*STDOUT, frame(DONE, $id));
}

# SHA-256 of files by path; what cannot be read is left out. With -z no name is escaped.
sub sha256 {
    my (@paths) = @_;
    my $pid = open(my $sums, '-|') // die "fork: $!\n";
    if (!$pid) {
        open(STDERR, '>', '/dev/null');
        become({}, 'sha256sum', '-z', '--', @paths);
    }
    local $/ = "\0";
    my %sha256 = map { chomp; /\A([0-9a-f]{64}) [ *](.*)\z/s ? ($2, $1) : () } <$sums>;
    return %sha256;
}

# ---- Writing files --------------------------------------------------------------------------------------------------

# A temporary file beside its target, open and locked. Its name ends as the target's does, for validating tools look at
# that; it begins with a dot, so that whatever reads whole directories leaves it alone.
sub open_upload {
    my ($id, $path, $owner, $group, $mode) = @_;
    my ($directory, $name) = $path =~ m{\A(.*)/([^/]+)\z}s or die "$path is no path of a file\n";
    $directory = '/' if $directory eq '';
    my $there = seen($path, {});
    die "$path is a directory\n" if $there and $there->{type} eq 'directory';
    my ($uid, $gid) = (account($owner, 'account', sub { (getpwnam $_[0])[2] }),
        account($group, 'group', sub { (getgrnam $_[0])[2] }));
    my $room = 255 - length('.onprem-0123456789abcdef.');
    $name = substr($name, -$room) if length $name > $room;
    clear($directory, $name);
    my $temporary = ($directory eq '/' ? '' : $directory) . '/.onprem-' . random() . ".$name";
    sysopen(my $file, $temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600)
        or die(-d $directory ? "$temporary: $!\n" : "$directory: $!\n");
    flock($file, LOCK_EX | LOCK_NB);
    return {
        id => $id, path => $path, directory => $directory, temporary => $temporary, file => $file,
        uid => $uid, gid => $gid, mode => oct $mode, size => 0,
    };
}

sub account {
    my ($name, $what, $find) = @_;
    return $find->($name) // ($name =~ /\A[0-9]+\z/ ? $name : die "no $what is called $name\n");
}

# Temporary files that a power cut left for this target; whoever still writes one holds its lock.
sub clear {
    my ($directory, $name) = @_;
    opendir(my $entries, $directory) or return;
    for my $left (grep { /\A\.onprem-[0-9a-f]{16}\.\Q$name\E\z/s } readdir $entries) {
        sysopen(my $file, "$directory/$left", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or next;
        unlink "$directory/$left" if flock($file, LOCK_EX | LOCK_NB);
    }
}

sub drop {
    my ($upload) = @_;
    unlink $upload->{temporary};
    delete $upload{ $upload->{id} };
}

sub finish {
    my ($upload, $size, $sha256, $deadline, @validate) = @_;
    my $id = $upload->{id};
    delete $upload{$id};
    my $job = { id => $id, worker => 1, deadline => $deadline, stdin => '', upload => $upload };
    $job->{run} = sub {
        my $frame = eval { place($upload, $size, $sha256, @validate) };
        put(\*STDOUT, $frame // frame(FAILED, $id, $@, '', ''));
        POSIX::_exit(0);
    };
    begin($job);
}

# In a child, for fsync of a large file takes its time: owner and mode, the tool's verdict, onto the disk, into place.
sub place {
    my ($upload, $size, $sha256, @validate) = @_;
    my ($id, $file, $temporary) = @$upload{qw(id file temporary)};
    die "$upload->{size} of $size bytes arrived\n" if $upload->{size} != $size;
    # chown first: it clears the set-user-id bits (chown(2)).
    chown($upload->{uid}, $upload->{gid}, $file) or die "chown: $!\n";
    chmod($upload->{mode}, $file) or die "chmod: $!\n";
    if (length $sha256) {
        my %seen = sha256($temporary);
        die "what arrived has another SHA-256\n" if ($seen{$temporary} // '') ne $sha256;
    }
    if (@validate) {
        my ($code, $said) = capture(map { $_ eq '{}' ? $temporary : $_ } @validate);
        $said =~ s/\Q$temporary\E/$upload->{path}/g;
        return frame(FAILED, $id, 'the new content was refused', $code, $said) if $code;
    }
    $file->sync or die "fsync: $!\n";
    rename($temporary, $upload->{path}) or die "rename: $!\n";
    sysopen(my $directory, $upload->{directory}, O_RDONLY | O_DIRECTORY) or die "$upload->{directory}: $!\n";
    $directory->sync or die "fsync of $upload->{directory}: $!\n";
    return frame(DONE, $id);
}

# Exit code and everything that a command said.
sub capture {
    my (@argv) = @_;
    my $pid = open(my $said, '-|') // die "fork: $!\n";
    if (!$pid) {
        open(STDERR, '>&', \*STDOUT);
        become({}, @argv);
    }
    local $/;
    my $text = <$said> // '';
    close $said;
    return ($? & 127 ? 128 + ($? & 127) : $? >> 8, substr($text, -65536 < -length $text ? -length $text : -65536));
}

# ---- Plumbing -------------------------------------------------------------------------------------------------------

sub random {
    open(my $source, '<:raw', '/dev/urandom') or die "/dev/urandom: $!\n";
    sysread($source, my $bytes, 8) == 8 or die "/dev/urandom: $!\n";
    return unpack 'H*', $bytes;
}

# All of it, on a blocking handle.
sub put {
    my ($handle, $bytes) = @_;
    my $at = 0;
    while ($at < length $bytes) {
        my $put = syswrite($handle, $bytes, length($bytes) - $at, $at);
        next if !defined $put and $!{EINTR};
        defined $put or die "$!\n";
        $at += $put;
    }
}

sub nonblocking {
    my ($handle) = @_;
    fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK);
}

sub take {
    my ($kind, $id) = unpack('C N', $_[0]);
    # Perl 5.36 takes an empty rest for a broken one.
    my @fields = length $_[0] > 5 ? unpack('x5 (N/a)*', $_[0]) : ();
    if ($kind == PING) { reply(PONG, $id) }
    elsif ($kind == EXEC) {
        my ($mode, $deadline, $until, $stdin, $env, @argv) = @fields;
        my $left = length $until ? $until - now() : $deadline;
        return failed($id, 'the time for this change is over') if $left <= 0;
        my $job = {
            id => $id, look => $mode eq 'look', survives => $mode eq 'survive', stdin => $stdin,
            deadline => $left < $deadline ? $left : $deadline,
        };
        my %env = map { split /=/, $_, 2 } split /\0/, $env;
        $job->{run} = sub { become(\%env, @argv) };
        $job->{look} ? push(@queue, $job) : begin($job);
    }
    elsif ($kind == INSPECT) { inspect($id, @fields) }
    elsif ($kind == OPEN) {
        my $until = pop @fields;
        return failed($id, 'the time for this change is over') if length $until and now() >= $until;
        eval { $upload{$id} = open_upload($id, @fields); 1 } or failed($id, $@);
    }
    # What follows a failed open is dropped: the other side sends without waiting, and learns of it in time.
    elsif ($kind == DATA and my $upload = $upload{$id}) {
        eval { put($upload->{file}, $fields[0]); 1 } or do {
            my $why = $@;
            drop($upload);
            return failed($id, $why);
        };
        $upload->{size} += length $fields[0];
    }
    elsif ($kind == FINISH and $upload{$id}) { finish($upload{$id}, @fields) }
    elsif ($kind == ABORT and $upload{$id}) {
        drop($upload{$id});
        reply(DONE, $id);
    }
}

sub main {
    die 'this kind of machine is not supported: ' . (POSIX::uname())[4] . "\n" unless $statx and seen('/', {});
    $| = 1;
    binmode $_ for \*STDIN, \*STDOUT;
    pipe(my $woken, my $waker) or die "pipe: $!\n";
    nonblocking($_) for \*STDIN, \*STDOUT, $woken, $waker;
    $SIG{CHLD} = sub { local $!; syswrite($waker, '.') };
    $SIG{PIPE} = sub { };
    $SIG{$_} = sub { local $!; $dying = 1; syswrite($waker, '.') } for qw(HUP INT TERM);
    chdir '/';
    umask 022;
    $out = "\0onprem-$main::NONCE\n";
    $heard = now();

    until ($dying) {
        reap();
        settle();
        my ($read, $write, %on) = ('', '');
        vec($read, fileno STDIN, 1) = 1 if length $out < WAITING;
        vec($read, fileno $woken, 1) = 1;
        vec($write, fileno STDOUT, 1) = 1 if length $out;
        my $wait = 15;
        for my $job (values %job) {
            if (length $out < WAITING) {
                for my $name (keys %{ $job->{pipes} }) {
                    vec($read, $on{"$job->{pid} $name"} = fileno $job->{pipes}{$name}, 1) = 1;
                }
            }
            vec($write, fileno $job->{feed}, 1) = 1 if $job->{feed};
            my $due = (defined $job->{status} ? $job->{drained} : $job->{kill}) - now();
            $wait = $due if $due < $wait;
        }
        select($read, $write, undef, $wait > 0 ? $wait : 0.01) >= 0 or next;
        last if now() - $heard > SILENCE;
        if (vec($read, fileno $woken, 1)) { sysread($woken, my $bytes, 4096) }
        for my $job (values %job) {
            for my $name (keys %{ $job->{pipes} }) {
                my $number = $on{"$job->{pid} $name"};
                hear($job, $name) if defined $number and vec($read, $number, 1);
            }
            feed($job) if $job->{feed} and vec($write, fileno $job->{feed}, 1);
        }
        if (length $out and vec($write, fileno STDOUT, 1)) {
            my $put = syswrite(STDOUT, $out, 262144);
            if    (defined $put)                  { substr($out, 0, $put, '') }
            elsif (!$!{EAGAIN} and !$!{EINTR})    { last }
        }
        if (vec($read, fileno STDIN, 1)) {
            my $got = sysread(STDIN, $in, 262144, length $in);
            if (!$got) {
                next if !defined $got and ($!{EAGAIN} or $!{EINTR});
                last;
            }
            $heard = now();
            my $at = 0;
            while (length($in) - $at >= 4) {
                my $length = unpack('N', substr($in, $at, 4));
                die "a message of $length bytes\n" if $length > LONGEST;
                last if length($in) - $at < 4 + $length;
                take(substr($in, $at + 4, $length));
                $at += 4 + $length;
            }
            substr($in, 0, $at, '');
        }
    }
}

# The other side is gone: end what it started, save what must not be ended half-way, and leave no temporary file.
sub leave {
    my @running = grep { !defined $_->{status} && !$_->{survives} } values %job;
    kill 'TERM', -$_->{pid} for @running;
    my $patience = now() + 2;
    while (@running) {
        reap();
        @running = grep { !defined $_->{status} } @running;
        last unless @running;
        kill 'KILL', map { -$_->{pid} } @running if now() >= $patience;
        last if now() >= $patience + 2;
        select(undef, undef, undef, 0.02);
    }
    drop($_) for values(%upload), map { $_->{upload} // () } values %job;
}

my $ended = eval { main(); 1 };
my $why = $@;
$SIG{$_} = 'IGNORE' for qw(HUP INT TERM);
leave();
print STDERR $why unless $ended;
POSIX::_exit($ended ? 0 : 1);
