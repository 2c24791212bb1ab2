# Looking at paths, without starting a process where that can be avoided.

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
    my ($names, $carried, @long) = ({}, 0);
    my @paths = ($top);
    while (@paths) {
        my $path = shift @paths;
        my $seen = seen($path, $names);
        if (!$seen) {
            next if $!{ENOENT} or $!{ENOTDIR};
            put(\*STDOUT, frame(FAILED, $id, "$path: $!", '', ''));
            return;
        }
        $limit = $content if $hash and $carried > BURDEN;
        my $bytes = $seen->{type} eq 'file' && $limit ? bytes_of($path, $limit) : undef;
        $carried += length $bytes if defined $bytes;
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
