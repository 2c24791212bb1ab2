import * as pulumi from "@pulumi/pulumi";
import type { Inputs } from "../resource.ts";

/** Where one host is, and as whom it is logged in to. */
export interface EndpointArgs {
  /** Name or IP address to connect to, as seen from where the update runs. */
  host: string;
  /**
   * TCP port of the SSH server, 1 to 65535.
   * @default 22
   */
  port?: number;
  /**
   * Account to log in as; any other than root needs `sudo` without a password.
   * @default "root"
   */
  user?: string;
  /** The pinned host keys: OpenSSH public key lines, one or more. No key, no connection. */
  hostKey: string;
}

/** What proves who we are. One of `privateKeyFile`, `privateKey` and `agent` is given. */
export interface KeyArgs {
  /** Path of a private key; `~/` is the home of who runs the update. */
  privateKeyFile?: string;
  /** A private key's text. Always a secret. */
  privateKey?: string;
  /** Opens an encrypted private key. Always a secret. */
  passphrase?: string;
  /** Path of an SSH agent's socket; `$SSH_AUTH_SOCK` stands for the agent of who runs the update. */
  agent?: string;
}

/** How one host is logged in to. */
export interface LoginArgs extends EndpointArgs, KeyArgs {}

/** How a server is entered before the account is there that is to log in. */
export interface InitialLoginArgs extends KeyArgs {
  /** Account to log in as: root, or one that may use `sudo`. A password for sudo is read from `ONPREM_INITIAL_PASSWORD`. */
  user: string;
  /** Log in with the password in `ONPREM_INITIAL_PASSWORD` instead of a key. */
  password?: true;
}

/** One server and the way to it. */
export interface ProviderArgs extends LoginArgs {
  /**
   * What messages call the server.
   * @default the value of `host`
   */
  label?: string;
  /**
   * Seconds to keep trying while nothing answers, 1 to 3600: a booting server.
   * @default 120
   */
  dialTimeout?: number;
  /** A host to go through, with a pinned key and an account of its own. */
  jump?: LoginArgs;
  /** Tried where the server refuses `user`: once that account is made and has logged in, it is the one that works. */
  initial?: InitialLoginArgs;
  /** The key until now of `user`, tried where the server refuses the new one. */
  previous?: KeyArgs;
  /**
   * For a host beside the stack's own: where it cannot be reached, the run warns, a refresh leaves what is remembered of it, and only what
   * is to be done there fails.
   * @default false
   */
  aside?: boolean;
  /** The VPN by which it is reached: where nothing answers, the error says whether it is the VPN that is down. */
  vpn?: VpnArgs;
}

/** A VPN as messages need it. */
export interface VpnArgs {
  /** What it is and where one dials in: `OpenVPN (vpn.kommune.dk)`. */
  name: string;
  /** Ranges that its users have on the way to the server. */
  ranges: string[];
  /**
   * Whether who runs the update dials in to it; else the server itself does.
   * @default true
   */
  dialIn?: boolean;
}

/**
 * One server and the way to it: every resource that is made with this provider works on that server, over one connection.
 *
 * @example
 * const server = new Provider("prod", {
 *   host: "os2mo.kommune.dk",
 *   hostKey: "ssh-ed25519 AAAA…",
 *   privateKeyFile: "~/.ssh/id_ed25519",
 * });
 * new File("motd", { path: "/etc/motd", content: "Managed by Pulumi.\n" }, { provider: server });
 *
 * @example
 * new Provider("prod", {
 *   host: "10.20.0.13",
 *   user: "ubuntu",
 *   hostKey: "ssh-ed25519 AAAA…",
 *   agent: "$SSH_AUTH_SOCK",
 *   jump: { host: "jump.kommune.dk", hostKey: "ssh-ed25519 AAAA…", agent: "$SSH_AUTH_SOCK" },
 * });
 *
 * @example
 * new Provider("prod", {
 *   host: "os2mo.kommune.dk",
 *   user: "os2mo-admin",
 *   hostKey: "ssh-ed25519 AAAA…",
 *   privateKeyFile: "~/.ssh/id_ed25519",
 *   initial: { user: "ubuntu", password: true },
 * });
 */
export class Provider extends pulumi.ProviderResource {
  constructor(name: string, args: Inputs<ProviderArgs>, options?: pulumi.ResourceOptions) {
    const { privateKey, passphrase, jump, initial, previous, vpn, ...open } = args;
    super(
      "onprem",
      name,
      {
        ...open,
        ...(privateKey === undefined ? {} : { privateKey: pulumi.secret(privateKey) }),
        ...(passphrase === undefined ? {} : { passphrase: pulumi.secret(passphrase) }),
        // The engine hands a provider's configuration over as text; another login may hold a key, too.
        ...(jump === undefined ? {} : { jump: loginText(jump) }),
        ...(initial === undefined ? {} : { initial: loginText(initial) }),
        ...(previous === undefined ? {} : { previous: loginText(previous) }),
        ...(vpn === undefined ? {} : { vpn: pulumi.output(vpn).apply((value) => JSON.stringify(value)) }),
      },
      options,
    );
  }
}

function loginText(given: Inputs<ProviderArgs>["jump" | "initial" | "previous"]): pulumi.Output<string> {
  return pulumi.output(given).apply((login) => {
    const text = JSON.stringify(login);
    const holdsSecret = login?.privateKey !== undefined || login?.passphrase !== undefined;
    return holdsSecret ? pulumi.secret(text) : pulumi.output(text);
  });
}
