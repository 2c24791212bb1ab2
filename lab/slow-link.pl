#!/usr/bin/perl
# slow-link.pl NEAR FAR DELAY LOSS SEED CONTROL
#
# Carries IP packets between two TUN devices, NEAR and FAR, which it makes. Each packet is held back for DELAY milliseconds and lost with
# a chance of LOSS per cent, by a random generator that starts at SEED, in each direction alike. The delay is constant, so a queue is a
# list and packets never overtake each other.
#
# It also counts, for each address on the far side. CONTROL is a Unix socket that takes a line and answers with one: `counts` gives the
# counters as JSON, `reset` begins again from zero.
#
# Round trips are counted as causes: a packet that carries something (SYN, or data) is one round trip later than what its sender had
# received before. So pipelined requests count once, and a chain of requests, each waiting for the answer before, counts each. The result
# is the time on the line divided by the round-trip time, whatever the two ends computed in between.
use strict;
use warnings;
use Errno qw(EAGAIN EINTR EINVAL EIO);
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK O_RDWR);
use IO::Socket::UNIX;
use Socket qw(SOCK_STREAM);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant { TUNSETIFF => 0x400454ca, IFF_TUN => 0x0001, IFF_NO_PI => 0x1000 };
use constant { SYN => 0x02, BATCH => 256, LONGEST_QUEUE => 50_000 };

my ($near_name, $far_name, $delay_ms, $loss, $seed, $control_path) = @ARGV;
die "usage: slow-link.pl NEAR FAR DELAY LOSS SEED CONTROL\n" unless defined $control_path;
my ($delay, $chance) = ($delay_ms / 1000, $loss / 100);
srand($seed);

my $near = tun($near_name);
my $far = tun($far_name);
unlink $control_path;
my $control = IO::Socket::UNIX->new(Type => SOCK_STREAM, Local => $control_path, Listen => 5)
    or die "cannot listen at $control_path: $!\n";

# To the far side and back: [when it is due, packet, far address, round trips before it]
my (@out, @back);
# By far address: the counters, and how many round trips each end knows of.
my (%counts, %near_knows, %far_knows, %opening);

while (1) {
    my $now = clock_gettime(CLOCK_MONOTONIC);
    deliver(\@out, $far, $now, \%far_knows);
    deliver(\@back, $near, $now, \%near_knows);

    my $wait;
    for my $queue (\@out, \@back) {
        next unless @$queue;
        my $left = $queue->[0][0] - clock_gettime(CLOCK_MONOTONIC);
        $left = 0 if $left < 0;
        $wait = $left if !defined $wait || $left < $wait;
    }
    my $ready = '';
    vec($ready, fileno($_), 1) = 1 for $near, $far, $control;
    my $found = select($ready, undef, undef, $wait);
    next if $found <= 0;
    take($near, 1) if vec($ready, fileno($near), 1);
    take($far, 0) if vec($ready, fileno($far), 1);
    answer() if vec($ready, fileno($control), 1);
}

sub tun {
    my ($name) = @_;
    sysopen(my $device, '/dev/net/tun', O_RDWR) or die "cannot open /dev/net/tun: $!\n";
    my $request = pack('a16 S x22', $name, IFF_TUN | IFF_NO_PI);
    ioctl($device, TUNSETIFF, $request) or die "cannot make the device $name: $!\n";
    my $flags = fcntl($device, F_GETFL, 0);
    fcntl($device, F_SETFL, $flags | O_NONBLOCK) or die "cannot change the device $name: $!\n";
    return $device;
}

# Reads what has come from one side and queues it for the other.
sub take {
    my ($device, $outward) = @_;
    my $queue = $outward ? \@out : \@back;
    for (1 .. BATCH) {
        my $size = sysread($device, my $packet, 65_536);
        return if !defined $size || $size == 0;
        my ($address, $flow, $flags, $data) = parse($packet, $outward);
        next unless defined $address;
        my $count = $counts{$address} //= { toHost => 0, fromHost => 0, packets => 0, lost => 0, connections => 0 };
        $count->{ $outward ? 'toHost' : 'fromHost' } += $size;
        $count->{packets}++;
        if (rand() < $chance || @$queue >= LONGEST_QUEUE) { $count->{lost}++; next }
        push @$queue, [clock_gettime(CLOCK_MONOTONIC) + $delay, $packet, $address, trips($address, $outward, $flow, $flags, $data)];
    }
}

# How many round trips a packet tells the other end of; undefined for one that causes nothing, such as a bare acknowledgement.
sub trips {
    my ($address, $outward, $flow, $flags, $data) = @_;
    return unless defined $flags;
    my $syn = $flags & SYN;
    return $syn || $data ? ($far_knows{$address} // 0) + 1 : undef unless $outward;
    if ($syn) {
        $counts{$address}{connections}++ unless $opening{$flow}++;
    } elsif (!$data) {
        # The acknowledgement that opens a connection is what a server waits for before it speaks.
        return unless delete $opening{$flow};
    } else {
        delete $opening{$flow};
    }
    return $near_knows{$address} // 0;
}

sub deliver {
    my ($queue, $device, $now, $knows) = @_;
    while (@$queue && $queue->[0][0] <= $now) {
        my (undef, $packet, $address, $trips) = @{ shift @$queue };
        # A device that is not up yet refuses packets; they are lost as on a cable that is not plugged in.
        defined syswrite($device, $packet) or $!{EIO} or $!{EINVAL} or $!{EAGAIN} or die "cannot write a packet: $!\n";
        $knows->{$address} = $trips if defined $trips && $trips > ($knows->{$address} // 0);
    }
}

# The address on the far side, what names the connection, and for TCP the flags and whether there is data.
sub parse {
    my ($packet, $outward) = @_;
    my $version = ord($packet) >> 4;
    my ($protocol, $at, $total, $source, $destination);
    if ($version == 4 && length $packet >= 20) {
        my $head = (ord($packet) & 15) * 4;
        ($total, $protocol) = (unpack('n', substr $packet, 2, 2), ord substr $packet, 9, 1);
        ($at, $source, $destination) = ($head, map { join '.', unpack 'C4', substr $packet, $_, 4 } 12, 16);
    } elsif ($version == 6 && length $packet >= 40) {
        ($total, $protocol) = (40 + unpack('n', substr $packet, 4, 2), ord substr $packet, 6, 1);
        ($at, $source, $destination) = (40, map { unpack 'H32', substr $packet, $_, 16 } 8, 24);
    } else {
        return;
    }
    my $address = $outward ? $destination : $source;
    return ($address) unless $protocol == 6 && length $packet >= $at + 20;
    my ($from, $to) = unpack 'n2', substr $packet, $at, 4;
    my ($offset, $flags) = unpack 'C2', substr $packet, $at + 12, 2;
    return ($address, "$source:$from>$destination:$to", $flags, $total - $at - ($offset >> 4) * 4 > 0);
}

sub answer {
    my $client = $control->accept or return;
    my $line = <$client> // '';
    if ($line =~ /^reset/) {
        (%counts, %near_knows, %far_knows, %opening) = ();
        print $client "{}\n";
    } else {
        my @hosts = map {
            my ($address, $count) = ($_, $counts{$_});
            my $fields = join ',', map { qq("$_":$count->{$_}) } sort keys %$count;
            sprintf '"%s":{%s,"roundTrips":%d}', $address, $fields, $near_knows{$address} // 0;
        } sort keys %counts;
        print $client '{' . join(',', @hosts) . "}\n";
    }
    close $client;
}
