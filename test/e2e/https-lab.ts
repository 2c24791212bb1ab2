import { randomBytes, X509Certificate } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LabNames, placeNames } from "../../lab/names.ts";
import { type LabAuthority, placeAuthority } from "../../lab/pebble.ts";
import { labSettings } from "../../lab/settings.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { notBegun, readEvent, type UpdateState } from "../../scripts/start/engine-events.ts";
import { initStacks, type LabStacks, openLabStacks, writeConfiguration } from "../../scripts/start/lab-stack.ts";
import { OwnLab } from "./own-lab.ts";
import { windowIn } from "./renewal-window.ts";

/** The server's name in the customer's network. */
export const host = "os2mo.kommune.test";

const quiet = () => undefined;

/** The whole program on the server `prod`, with name servers, an authority for whoever has an account elsewhere, and a test authority. */
export class HttpsLab implements AsyncDisposable {
  /** Of everything that stands on this machine. */
  readonly folder: string;
  readonly lab: OwnLab;
  readonly names: LabNames;
  readonly authority: LabAuthority;
  readonly testAuthority: LabAuthority;
  readonly stacks: LabStacks;
  /** By which an account at the authority is bound to one elsewhere. */
  readonly externalAccount: { readonly kid: string; readonly hmacKey: string };
  /** All that programs have said here, standard output and error. */
  readonly said: string[] = [];

  private constructor(parts: Pick<HttpsLab, "folder" | "lab" | "names" | "stacks" | "externalAccount"> & Authorities) {
    this.folder = parts.folder;
    this.lab = parts.lab;
    this.names = parts.names;
    this.authority = parts.authority;
    this.testAuthority = parts.testAuthority;
    this.stacks = parts.stacks;
    this.externalAccount = parts.externalAccount;
  }

  /** @param engine Environment with the engine. */
  static async up(engine: NodeJS.ProcessEnv): Promise<HttpsLab> {
    const folder = mkdtempSync(join(tmpdir(), "onprem-https-"));
    const lab = await OwnLab.up();
    const names = await placeNames(lab.status.name, {}, quiet);
    const externalAccount = { kid: "kommune", hmacKey: randomBytes(32).toString("base64url") };
    const authorities = await placeAuthorities(lab, names, externalAccount);
    await names.useInside(["prod"]);
    const stacks = await openLabStacks(join(folder, "stacks"), engine);
    await initStacks(stacks, ["prod"], new AbortController().signal);
    const made = new HttpsLab({ folder, lab, names, stacks, externalAccount, ...authorities });
    await made.#configure();
    return made;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab.down();
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** The file of the stack. */
  get file(): string {
    return join(this.stacks.folder, "Pulumi.prod.yaml");
  }

  /** The customer's records, as they must be. */
  get records(): string[] {
    const { zone } = this.names.vendor;
    return [`os2mo CNAME ${host}.${zone}.`, `_acme-challenge.os2mo CNAME _acme-challenge.${host}.${zone}.`];
  }

  within(script: string): Promise<string> {
    return this.lab.within("prod", script);
  }

  /** An operation of the engine on the stack. */
  pulumi(operation: string, ...flags: string[]): Promise<Ran> {
    return this.#engine([operation, "--stack", "prod", "--config-file", this.file, ...flags]);
  }

  /** One `pulumi up`, to its end. @param env More for the engine and the provider. */
  async up(flags: readonly string[] = [], env: NodeJS.ProcessEnv = {}): Promise<UpdateState> {
    const words = ["up", "--stack", "prod", "--config-file", this.file, "--json", "--yes", "--skip-preview", ...flags];
    const { code, stdout, said } = await this.#engine(words, { env });
    const state = stdout.split("\n").reduce(readEvent, notBegun);
    return code === 0 || state.errors.length > 0 ? state : { ...state, errors: [said] };
  }

  /** Sets a secret of the stack's file. @param path Below the project's own key. */
  keep(path: string, value: string): Promise<void> {
    return this.#config(["set", "--secret"], path, { input: value });
  }

  /** Sets what is no secret; `undefined` takes it away. */
  set(path: string, value: string | undefined): Promise<void> {
    return value === undefined ? this.#config(["rm"], path) : this.#config(["set"], path, { input: value });
  }

  async #config([verb = "", ...flags]: readonly string[], path: string, options: Options = {}): Promise<void> {
    const words = ["config", verb, "--stack", "prod", "--config-file", this.file, "--path", ...flags];
    const ran = await this.#engine([...words, `os2mo-on-prem:${path}`], options);
    if (ran.code !== 0) throw new Error(ran.said);
  }

  /** A script of the project, as `npm run` calls it. */
  script(name: string, ...words: string[]): Promise<Ran> {
    const file = join(projectFolder, "scripts", `${name}.ts`);
    return this.#run([process.execPath, file, ...words, "--config-file", this.file], {});
  }

  /** The state, as anybody with the back end's folder can export it. */
  async export(): Promise<string> {
    return (await this.#engine(["stack", "export", "--stack", "prod"])).stdout;
  }

  /** The network of the people in the customer's network, for nsenter(1). */
  get internal(): string {
    return this.lab.status.vantagePoints.find(({ name }) => name === "internal")?.netns ?? "";
  }

  /** From the customer's own network, by a browser that trusts the authority. */
  async visit(url: string, ...more: string[]) {
    const roots = join(this.folder, "issuers.pem");
    writeFileSync(roots, await this.authority.issuers());
    const { v4 } = this.lab.machine("prod").addresses;
    const resolve = [443, 80].flatMap((port) => ["--resolve", `${host}:${port}:${v4}`]);
    const words = ["nsenter", `--net=${this.internal}`, "curl", "-si", "--max-time", "10", "--cacert", roots] as const;
    const { code, stdout } = await finish([...words, ...resolve, ...more, url], { env: process.env });
    return { code, stdout };
  }

  /** The chain that is live on the server. */
  chain(): Promise<string> {
    return this.within("cat /etc/onprem/tls/live/fullchain.pem");
  }

  /** The authority wants what is live renewed within an hour, so many hours from now. */
  async suggest(hours: number): Promise<void> {
    await this.authority.suggest(await this.chain(), windowIn(hours));
  }

  async serial(): Promise<string> {
    return new X509Certificate(await this.chain()).serialNumber;
  }

  #engine(words: readonly string[], options: Options = {}): Promise<Ran> {
    return this.#run(["pulumi", ...words, "--non-interactive", "-C", projectFolder], options);
  }

  async #run(words: readonly [string, ...string[]], { env = {}, input }: Options): Promise<Ran> {
    const all = { ...this.stacks.env, ...env };
    const { code, stdout, stderr } = await finish(words, { env: all, ...(input === undefined ? {} : { input }) });
    const said = stdout + stderr;
    this.said.push(said);
    return { code, stdout, said };
  }

  async #configure(): Promise<void> {
    const settings = labSettings(this.lab.status, "production");
    const { hostname: _, ...server } = settings["os2mo-on-prem:server"] as { hostname: string };
    const firewall = settings["os2mo-on-prem:firewall"] as { egress: object };
    const { v4, v6 } = this.names.servers.inside;
    const inside = { ports: [53], to: [v4, v6] };
    const { server: primary, zone, keys } = this.names.vendor;
    const { name, algorithm } = keys.records;
    const { authority, testAuthority } = this;
    await writeConfiguration(this.stacks, "prod", {
      ...settings,
      "os2mo-on-prem:customer": { name: "Test Kommune", domain: this.names.customer.zone },
      "os2mo-on-prem:server": server,
      "os2mo-on-prem:firewall": {
        ...firewall,
        egress: {
          ...firewall.egress,
          "dns-inside": { ...inside, protocol: "udp" },
          "dns-inside-tcp": { ...inside, protocol: "tcp" },
        },
      },
      "os2mo-on-prem:dns": {
        suffix: zone,
        resolvers: [this.names.servers.outside.v4],
        issuers: [authority.name],
        zone: { kind: "rfc2136", zone, server: primary, key: { name, algorithm } },
      },
      "os2mo-on-prem:https": {
        acme: {
          directory: authority.directory,
          roots: authority.roots,
          testDirectory: testAuthority.directory,
          testRoots: testAuthority.roots,
          termsAgreed: true,
          externalAccount: { kid: this.externalAccount.kid },
          profile: "hours",
        },
      },
    });
    await this.keep("dns.zone.key.secret", keys.records.secret);
    await this.keep("https.acme.externalAccount.hmacKey", this.externalAccount.hmacKey);
  }
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  /** Standard output and error. */
  readonly said: string;
}

interface Options {
  readonly env?: NodeJS.ProcessEnv;
  readonly input?: string;
}

type Authorities = Pick<HttpsLab, "authority" | "testAuthority">;

/**
 * The authority knows its customers alone, what it issues lives for four hours, and it is as nasty as Pebble is: it rejects nonces, validates
 * when it pleases, and remembers some proofs and others not. Anybody may ask the test authority.
 */
async function placeAuthorities(lab: OwnLab, names: LabNames, eab: HttpsLab["externalAccount"]): Promise<Authorities> {
  const real = { eab, profiles: { hours: { validity: 4 * 3600 } } };
  return {
    authority: await placeAuthority(lab.status.name, names, real, quiet),
    testAuthority: await placeAuthority(lab.status.name, names, { sleep: 0 }, quiet, "test-authority"),
  };
}
