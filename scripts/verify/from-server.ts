import type { Host } from "../../infra/provider/host/host.ts";
import type { Answer, Attempt } from "./checks.ts";

/**
 * Tries connections from the server outwards, all at once: TCP by connecting; UDP by a question that is always answered, to
 * port 53 one of DNS (RFC 1035, the servers of the root), to 123 one of NTP (RFC 5905, a client's packet).
 */
export async function tryFromServer(host: Pick<Host, "look">, attempts: readonly Attempt[]): Promise<Answer[]> {
  if (attempts.length === 0) return [];
  const words = attempts.map(({ protocol, address, port }) => `${protocol} ${address} ${port}`);
  const { stdout } = await host.look(["perl", "-e", program, ...words], { deadline: 30 });
  const answers = stdout.trim().split("\n");
  return attempts.map((_, index) => known.find((answer) => answer === answers[index]) ?? "silent");
}

const known: readonly Answer[] = ["open", "refused", "silent", "no route"];

/** Perl, for every server has it. Each argument is `tcp|udp ADDRESS PORT`; prints an answer a line, in that order. */
export const program = `use Socket qw(:all); use Fcntl; use Errno; use IO::Select; use Time::HiRes "time";
my (@answers, %open, $n); my $until = time + 4;
my $dns = pack("n6", 0x4f32, 0x0100, 1, 0, 0, 0) . "\\0" . pack("n2", 2, 1);
my $ntp = "\\x23" . "\\0" x 47;
sub judged { my $e = 0 + shift; $e == Errno::ECONNREFUSED ? "refused" : $e == Errno::ENETUNREACH || $e == Errno::EHOSTUNREACH ? "no route" : "silent" }
for my $i (0 .. $#ARGV) {
    my ($protocol, $address, $port) = split / /, $ARGV[$i];
    my $six = $address =~ /:/;
    $answers[$i] = "silent";
    my $packed = inet_pton($six ? AF_INET6 : AF_INET, $address) or next;
    my $to = $six ? pack_sockaddr_in6($port, $packed) : pack_sockaddr_in($port, $packed);
    my $tcp = $protocol eq "tcp";
    socket(my $s, $six ? PF_INET6 : PF_INET, $tcp ? SOCK_STREAM : SOCK_DGRAM, 0) or next;
    fcntl($s, F_SETFL, fcntl($s, F_GETFL, 0) | O_NONBLOCK);
    my $done = connect($s, $to);
    if (!$done && !$!{EINPROGRESS}) { $answers[$i] = judged($!); next }
    if ($tcp) { if ($done) { $answers[$i] = "open"; next } }
    else { send($s, $port == 53 ? $dns : $ntp, 0) or do { $answers[$i] = judged($!); next } }
    $open{fileno $s} = [$i, $s, $tcp];
}
while (%open && time < $until) {
    my ($r, $w) = (IO::Select->new, IO::Select->new);
    for (values %open) { $$_[2] ? $w->add($$_[1]) : $r->add($$_[1]) }
    my ($can_read, $can_write) = IO::Select->select($r, $w, undef, $until - time) or last;
    for my $s (@$can_write) {
        my ($i) = @{delete $open{fileno $s}};
        my $e = unpack "i", getsockopt($s, SOL_SOCKET, SO_ERROR);
        $answers[$i] = $e ? judged($e) : "open";
    }
    for my $s (@$can_read) {
        my ($i) = @{delete $open{fileno $s}};
        $answers[$i] = defined(recv($s, my $got, 1500, 0)) ? "open" : judged($!);
    }
}
print "$_\\n" for @answers;
`;
