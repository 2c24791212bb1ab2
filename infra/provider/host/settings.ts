/** What proves who we are. */
export interface Proof {
  /** Path of an SSH agent's socket, as in SSH_AUTH_SOCK. */
  readonly agent?: string;
  /** Path of a private key; `~/` is the home of who runs this. */
  readonly privateKeyFile?: string;
  /** A private key's text. Secret. */
  readonly privateKey?: string;
  /** Opens an encrypted private key. Secret. */
  readonly passphrase?: string;
  /** An account's password, for a first contact alone. */
  readonly password?: Password;
}

/** An account's password. It answers `sudo` where that asks. */
export interface Password {
  /** Where it is looked for, for messages: the name of an environment variable. */
  readonly from: string;
  /** Secret. Left out where nobody gave it. */
  readonly text?: string;
  /** Whether it logs in, too. */
  readonly logsIn: boolean;
}

/** The VPN by which a host is reached, for what to tell when it is not. */
export interface VpnSettings {
  /** What it is and where one dials in: `OpenVPN (vpn.kommune.dk)`. */
  readonly name: string;
  /** Ranges that its users have on the way to the host, in CIDR notation. */
  readonly ranges: readonly string[];
  /** Whether this machine dials in to it; else the host itself does. @default true */
  readonly dialIn?: boolean;
}

/** How one server is reached. No default here reads the environment: whoever makes the settings decides. */
export interface ConnectionSettings extends Proof {
  /** Name or address to connect to. */
  readonly host: string;
  /** @default 22 */
  readonly port?: number;
  /** Account to log in as; any other than root needs `sudo` without a password. @default "root" */
  readonly user?: string;
  /** Whether to work as root; if not, as the account that logs in, without `sudo`. @default true */
  readonly privileged?: boolean;
  /** The pinned host keys: OpenSSH public key lines (`ssh-ed25519 AAAA… comment`), one or more. */
  readonly hostKey: string;
  /** The key of `user` until now, for as long as the server refuses the new one. */
  readonly previous?: Proof;
  /** How to log in before the server lets `user` in. */
  readonly initial?: Proof & { readonly user: string };
  /** A host to go through, with its own pinned key, account and key. */
  readonly jump?: ConnectionSettings;
  /** The VPN by which it is reached, if it is. */
  readonly vpn?: VpnSettings;
  /** Seconds to keep trying while nothing answers: a booting server. @default 120 */
  readonly dialTimeout?: number;
  /** How messages call the host. @default the value of `host` */
  readonly name?: string;
}

/** The settings that have defaults, filled in. */
export function withDefaults(settings: ConnectionSettings) {
  return {
    ...settings,
    port: settings.port ?? 22,
    user: settings.user ?? "root",
    dialTimeout: settings.dialTimeout ?? 120,
    name: settings.name ?? settings.host,
  };
}

/** `host:port`, an IPv6 address in brackets (RFC 3986, section 3.2.2). */
export function endpoint(settings: Pick<ConnectionSettings, "host" | "port">): string {
  const host = settings.host.includes(":") ? `[${settings.host}]` : settings.host;
  return `${host}:${settings.port ?? 22}`;
}

/** Whether a name or an address is this machine's own: what is dialled there is a tunnel (`ssh -L`). */
export function isThisMachine(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}
