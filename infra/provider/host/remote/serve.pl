# The loop: takes requests, watches children, sends answers, and clears up when the other side is gone.

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
