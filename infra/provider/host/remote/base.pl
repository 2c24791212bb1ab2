# Runs on the host, read from standard input and kept only in memory: carries out what frames.ts sends and answers it.
# program.ts joins base, children, paths, files and serve, in this order, and puts a line in front that sets $main::NONCE.
# They use nothing beyond Debian's and Ubuntu's perl-base.
#
#   exec     mode deadline until stdin env argv...  ->  started, then done: code signal late stdout stderr dropped...
#   inspect  path hash content recursive            ->  entry..., done
#   open     path owner group mode until            ->  (nothing, or failed)
#   data     bytes                                  ->  (nothing, or failed)
#   finish   size sha256 deadline validate...       ->  done, or failed
#   abort                                           ->  done
#   failed is: text code stderr errno. Code and stderr are empty unless a validating command said no; errno is the name of
#   the system's error (errno(3)) where writing met one that we have words for.
#
# Looks run side by side, a few at a time; steps run when they come, for the other side sends them one by one.
use strict;
use warnings;
use Fcntl qw(:flock :mode F_GETFL F_SETFL O_CREAT O_DIRECTORY O_EXCL O_NOFOLLOW O_NONBLOCK O_RDONLY O_WRONLY);
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
    BURDEN   => 32 * 1024,           # bytes of a tree that travel to be hashed: after that sha256sum for many is cheaper
};

# perl-base has no Time::HiRes: microseconds of mtime come from statx(2), whose structure is the same everywhere.
my %statx = (x86_64 => 332, aarch64 => 291, riscv64 => 291, ppc64le => 383, s390x => 379);
my $statx = $statx{ (POSIX::uname())[4] };

# memfd_create(2), since Linux 3.17.
my %memfd = (x86_64 => 319, aarch64 => 279, riscv64 => 279, ppc64le => 360, s390x => 350);
my $memfd = $memfd{ (POSIX::uname())[4] };

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

# What a `die` left: words, or what broken() made of an error of the system.
sub failure {
    my ($id, $why) = @_;
    return ref $why ? frame(FAILED, $id, $why->{text}, '', '', $why->{errno}) : frame(FAILED, $id, $why, '', '', '');
}

sub failed { $out .= failure(@_) }

# Ends an attempt with the system's words and its name for the error: what can be done is known by the name.
sub broken {
    my ($where) = @_;
    my $text = "$where$!\n";
    my ($errno) = grep { $!{$_} } qw(EDQUOT ENOSPC EPERM EROFS);
    die { text => $text, errno => $errno // '' };
}

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
        defined $put or broken('');
        $at += $put;
    }
}

sub nonblocking {
    my ($handle) = @_;
    fcntl($handle, F_SETFL, fcntl($handle, F_GETFL, 0) | O_NONBLOCK);
}
