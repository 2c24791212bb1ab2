import { remote, type types } from "@pulumi/command";
import { ComponentResource, type ComponentResourceOptions, type Input, type Output, output } from "@pulumi/pulumi";
import { File } from "../provider/resources/file.ts";
import { NftSetElements } from "../provider/resources/nft-set-elements.ts";
import { Package } from "../provider/resources/package.ts";
import { Provider } from "../provider/resources/provider.ts";
import { SaltKey } from "../provider/resources/salt-key.ts";
import { SaltMinion } from "../provider/resources/salt-minion.ts";
import { SaltSource } from "../provider/resources/salt-source.ts";
import type { ManagementSettings } from "../settings/management.ts";
import { asideHost } from "./aside-host.ts";
import { type ChildOptions, childOptions } from "./child-options.ts";

type SaltSettings = NonNullable<ManagementSettings["salt"]>;

/** The server's connection to the vendor's Salt master. */
export interface ManagementArgs {
  /** The settings of `management.salt`. */
  salt: SaltSettings;
  /** Whose server it is, and which: grains by which the master chooses. */
  grains: Record<string, string>;
  /** How actions log in to the master, where its login is known. */
  actions?: Input<types.input.remote.ConnectionArgs>;
}

/** What people need of the connection. */
export interface Managed {
  minionId: string;
  /** SHA-256 fingerprint of the minion's key, as it was read on the server. */
  fingerprint: Output<string>;
  /** The server's addresses as the master sees them (NET-3); left out where nobody has said or found out. */
  externalAddresses?: Output<string[]>;
  /** What is left to do on the master, as text; left out where this stack keeps it. */
  left?: Output<string>;
  /** What the minion answered when it was asked last. */
  answer?: Output<string>;
}

/**
 * Salt on the server, and its acceptance on the master (ACC-3, NET-2, NET-3): the minion in a pinned version, that obeys
 * one master by its fingerprint; its key made on the server; on the master exactly that key, and the way in for exactly
 * the server's external addresses. What of Salt's is whose stands in docs/architecture.md.
 *
 * `dependsOn` of the options holds for every child.
 */
export class Management extends ComponentResource {
  readonly managed: Managed;

  constructor(name: string, args: ManagementArgs, options: ComponentResourceOptions) {
    super("os2mo:server:Management", name, {}, options);
    const minion = createMinion(name, args, childOptions(this, options));
    const { salt } = args;
    const { minionId, login, externalAddresses: given } = salt;
    const known = { minionId, fingerprint: minion.fingerprint };
    const onMaster = login === undefined ? undefined : createOnMaster(name, args, login, minion, this);
    const external = onMaster?.addresses ?? (given === undefined ? undefined : output(given));
    this.managed = {
      ...known,
      ...(external === undefined ? {} : { externalAddresses: external }),
      ...(onMaster === undefined
        ? { left: minion.fingerprint.apply((finger) => leftText(salt, finger)) }
        : { answer: onMaster.answer }),
    };
    this.registerOutputs({ ...this.managed });
  }
}

function createMinion(name: string, { salt, grains }: ManagementArgs, options: ChildOptions): SaltMinion {
  const sources = salt.repository === undefined ? [] : createRepository(name, salt.repository, options);
  const installed = new Package(
    `${name}-packages`,
    { packages: { "salt-minion": salt.version } },
    sources.length === 0 ? options : { ...options, dependsOn: sources },
  );
  const { master, masterFingerprint, minionId, keyVersion } = salt;
  return new SaltMinion(
    name,
    { master, masterFingerprint, minionId, keyVersion, grains },
    { ...options, dependsOn: installed },
  );
}

/** The vendor's packages, believed by their own key and by no other (sources.list(5), Signed-By). */
function createRepository(
  name: string,
  { uri, suite, components, key }: NonNullable<SaltSettings["repository"]>,
  options: ChildOptions,
): File[] {
  const keyFile = "/usr/share/keyrings/onprem-salt.asc";
  const keyring = new File(`${name}-repository-key`, { path: keyFile, content: `${key.trim()}\n` }, options);
  const content = repositoryText({ uri, suite, components }, keyFile);
  const source = new File(
    `${name}-repository`,
    { path: "/etc/apt/sources.list.d/onprem-salt.list", content },
    { ...options, dependsOn: keyring },
  );
  return [keyring, source];
}

/** One line of sources.list(5). */
export function repositoryText(
  { uri, suite, components }: Omit<NonNullable<SaltSettings["repository"]>, "key">,
  keyFile: string,
): string {
  return `# Managed by Pulumi.\n${["deb", `[signed-by=${keyFile}]`, uri, suite, ...components].join(" ")}\n`;
}

/** On the master, by a connection of its own: who comes from where, the way in, the key, and the minion's answer. */
function createOnMaster(
  name: string,
  { salt, actions }: ManagementArgs,
  login: NonNullable<SaltSettings["login"]>,
  minion: SaltMinion,
  parent: Management,
): { addresses?: Output<string[]>; answer: Output<string> } {
  const provider = new Provider(
    `${name}-master`,
    { ...asideHost(login), label: `the master ${login.host}` },
    { parent },
  );
  const options = { parent, provider, dependsOn: minion };
  const addresses = externalAddresses(name, salt, options);
  const opened =
    salt.gate === undefined || addresses === undefined ? [] : openGate(name, salt, salt.gate, addresses, options);
  const { minionId, replaceKey } = salt;
  const key = new SaltKey(
    `${name}-key`,
    { minionId, fingerprint: minion.fingerprint, replaceKey },
    { ...options, dependsOn: [minion, ...opened] },
  );
  const verified = new remote.Command(
    `${name}-verification`,
    {
      connection: actions ?? { host: login.host },
      create: askText(minionId),
      triggers: [minion.fingerprint, minion.master, salt.version],
    },
    { parent, dependsOn: key },
  );
  return { ...(addresses === undefined ? {} : { addresses }), answer: verified.stdout };
}

function externalAddresses(name: string, salt: SaltSettings, options: ChildOptions): Output<string[]> | undefined {
  const { externalAddresses: given, gate, minionId } = salt;
  if (given !== undefined) return output(given);
  if (gate === undefined) return undefined;
  return new SaltSource(`${name}-source`, { minionId, table: gate.table, sets: ["seen_v4", "seen_v6"] }, options)
    .addresses;
}

/** The server is let in from exactly its own addresses; of the family that its master's address has. */
function openGate(
  name: string,
  { minionId, master }: SaltSettings,
  { table }: NonNullable<SaltSettings["gate"]>,
  addresses: Output<string[]>,
  options: ChildOptions,
): NftSetElements[] {
  const set = master.includes(":") ? "allowed_v6" : "allowed_v4";
  return [new NftSetElements(`${name}-gate`, { table, set, name: minionId, elements: addresses }, options)];
}

/** Asks the minion through its master, and what a highstate would change there; works for root and by `sudo`. */
export function askText(minionId: string): string {
  const salt = `$root salt --timeout=20 '${minionId}'`;
  return `${[
    'root=; [ "$(id -u)" -eq 0 ] || root="sudo -n --"',
    `said=$(${salt} --out=txt test.ping 2>&1) || { echo "$said"; exit 1; }`,
    `echo "ok: $said"`,
    `said=$(${salt} --out=highstate --state-output=terse --state-verbose=False state.apply test=True 2>&1); code=$?`,
    // A minion for which the master's top file names nothing, or that has no top file, is connected all the same.
    `case $said in *'No Top file or master_tops data matches found'* | *'No states found for this minion'*)`,
    `  echo 'the master has no states for it yet'; exit 0 ;;`,
    "esac",
    `echo "$said"`,
    "exit $code",
  ].join("\n")}\n`;
}

/** What the vendor does on the master. Holds no secret. */
export function leftText({ minionId, externalAddresses: given }: SaltSettings, fingerprint: string): string {
  return [
    `# ${minionId}: on the master`,
    ...(given === undefined
      ? ["# let the server's external addresses in to 4505 and 4506 (NET-3)"]
      : [`# let in to 4505 and 4506: ${given.join(", ")}`]),
    `salt-key -f '${minionId}'   # must show ${fingerprint}`,
    `salt-key -a '${minionId}'`,
    `salt '${minionId}' test.ping`,
    "",
  ].join("\n");
}
