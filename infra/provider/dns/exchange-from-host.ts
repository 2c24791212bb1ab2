import type { Host } from "../host/host.ts";
import { type Exchange, type NameServer, NoAnswer } from "./exchange.ts";

/** Seconds of one attempt on the host; two by UDP, one by TCP. */
const patience = 2;

/** Exchanges from a host that is logged in to: what its own resolvers tell it, and nobody else. Needs no root there. */
export function exchangeFromHost(host: Pick<Host, "look" | "name">): Exchange {
  return async ({ address, port }, query, protocol) => {
    const words = [protocol, address, String(port), Buffer.from(query).toString("hex"), String(patience)];
    const { stdout } = await host.look(["perl", "-e", relayProgram, ...words], { deadline: 30 });
    const told = stdout.trim();
    if (/^([0-9a-f]{2})+$/.test(told)) return Buffer.from(told, "hex");
    const why = reasons.find((reason) => reason === told) ?? "silent";
    throw new NoAnswer(why, `${address} port ${port}/${protocol}, asked by ${host.name}: ${why}`);
  };
}

const reasons: readonly NoAnswer["why"][] = ["silent", "refused", "no route"];

/** The host's own resolvers, as resolv.conf(5) names them; one of systemd's stub is asked like any other. */
export async function resolversOf(host: Pick<Host, "look">): Promise<NameServer[]> {
  const { stdout } = await host.look(["cat", "/etc/resolv.conf"], { exits: [0, 1] });
  return readResolvConf(stdout);
}

/** Reads resolv.conf(5): at most three count, as with the C library; an interface after `%` is left out. */
export function readResolvConf(text: string): NameServer[] {
  const addresses = [...text.matchAll(/^[ \t]*nameserver[ \t]+([0-9a-fA-F.:]+)/gm)].map(([, address = ""]) => address);
  return [...new Set(addresses)].slice(0, 3).map((address) => ({ address, port: 53 }));
}

/** Perl, for every server has it: `udp|tcp ADDRESS PORT QUERY SECONDS`, the query in hexadecimal. Prints the answer so, or why there is none. */
export const relayProgram = `use Socket qw(:all); use Fcntl; use Errno; use IO::Select; use Time::HiRes "time";
my ($protocol, $address, $port, $hex, $patience) = @ARGV;
sub out { print "$_[0]\\n"; exit }
sub failed { my $e = 0 + shift;
    out($e == Errno::ECONNREFUSED ? "refused"
        : (grep { $e == $_ } Errno::ENETUNREACH, Errno::EHOSTUNREACH, Errno::EPERM, Errno::EACCES, Errno::EADDRNOTAVAIL) ? "no route" : "silent") }
my $query = pack "H*", $hex;
my $six = $address =~ /:/;
my $packed = inet_pton($six ? AF_INET6 : AF_INET, $address) or out("no route");
my $to = $six ? pack_sockaddr_in6($port, $packed) : pack_sockaddr_in($port, $packed);
my $tcp = $protocol eq "tcp";
socket(my $s, $six ? PF_INET6 : PF_INET, $tcp ? SOCK_STREAM : SOCK_DGRAM, 0) or failed($!);
fcntl($s, F_SETFL, fcntl($s, F_GETFL, 0) | O_NONBLOCK);
connect($s, $to) or $!{EINPROGRESS} or failed($!);
my $select = IO::Select->new($s);
if (!$tcp) {
    for (1, 2) {
        send($s, $query, 0) or failed($!);
        my $until = time + $patience;
        while ((my $left = $until - time) > 0) {
            $select->can_read($left) or last;
            defined(recv($s, my $got, 65535, 0)) or failed($!);
            out(unpack "H*", $got) if length $got >= 12 && substr($got, 0, 2) eq substr($query, 0, 2);
        }
    }
    out("silent");
}
my $until = time + $patience;
$select->can_write($until - time) or out("silent");
my $e = unpack "i", getsockopt($s, SOL_SOCKET, SO_ERROR);
failed($e) if $e;
syswrite($s, pack("n", length $query) . $query);
my $come = "";
while ((my $left = $until - time) > 0) {
    $select->can_read($left) or last;
    my $n = sysread($s, $come, 65537, length $come);
    defined $n or next;
    my $end = length $come >= 2 ? 2 + unpack "n", $come : 65537;
    out(unpack "H*", substr $come, 2, $end - 2) if length $come >= $end;
    last if $n == 0;
}
out("silent");
`;
