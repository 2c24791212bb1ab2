# Commands and workers: each a child in a process group of its own.

# A child of its own process group. $what runs in it and must not return; @outputs are the names of pipes for 1 and 2.
sub start {
    my ($job, $what) = @_;
    my (%theirs, %ours);
    if ($job->{survives}) {
        # Files in memory: pipes would end with us, and a full file system must not take the command's words.
        for my $name (qw(in out err)) {
            my $number = syscall($memfd, "onprem-$name", 1);    # MFD_CLOEXEC
            $number >= 0 or die "memfd_create: $!\n";
            open($theirs{$name}, '+<&=', $number) or die "memfd: $!\n";
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
        HOME => (getpwuid $>)[7] // '/', LC_ALL => 'C', %$env,
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
