# Writing files: into a temporary one, which takes the target's place only when everything is right.

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
        or broken(-d $directory ? "a new file in $directory: " : "$directory: ");
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
        put(\*STDOUT, $frame // failure($id, $@));
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
    chown($upload->{uid}, $upload->{gid}, $file) or broken('chown: ');
    chmod($upload->{mode}, $file) or broken('chmod: ');
    if (length $sha256) {
        my %seen = sha256($temporary);
        die "what arrived has another SHA-256\n" if ($seen{$temporary} // '') ne $sha256;
    }
    if (@validate) {
        my ($code, $said) = capture(map { $_ eq '{}' ? $temporary : $_ } @validate);
        $said =~ s/\Q$temporary\E/$upload->{path}/g;
        return frame(FAILED, $id, 'the new content was refused', $code, $said, '') if $code;
    }
    $file->sync or broken('fsync: ');
    rename($temporary, $upload->{path}) or broken('rename: ');
    sysopen(my $directory, $upload->{directory}, O_RDONLY | O_DIRECTORY) or broken("$upload->{directory}: ");
    $directory->sync or broken("fsync of $upload->{directory}: ");
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
