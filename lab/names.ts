import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { planAddresses } from "./address-plan.ts";
import { Inside } from "./inside.ts";
import { LabError } from "./lab-error.ts";
import {
  addressBatch,
  addressFile,
  configuration,
  expired,
  firstRecords,
  functions,
  hints,
  keyLine,
  resolverFile,
  rndc,
  silenceRules,
  unit,
  unitFile,
  zoneText,
} from "./names-files.ts";
import {
  anchorFile,
  authorityAddresses,
  configurationFile,
  configurationFolder,
  controlKeyFile,
  customerZone,
  dataFolder,
  dataParent,
  keyFolder,
  type NameServer,
  nameServerAddresses,
  nameServers,
  type Placement,
  type Secondary,
  servedZones,
  serversOf,
  type TsigKey,
  unsignedFolder,
  vendorZone,
  zoneFile,
  zonesOf,
} from "./names-plan.ts";
import type { Recipe } from "./recipe.ts";
import { recordedNet } from "./registry.ts";
import { writeFiles } from "./rootfs.ts";
import type { Addresses, Progress, ServerName } from "./status.ts";

export type { NameServer, Secondary, TsigKey } from "./names-plan.ts";

/** What to place. */
export interface NamesOptions {
  /**
   * Whole names of the servers whose challenges may be answered with the vendor's keys.
   * @default ["os2mo.kommune.test", "os2mo-test.kommune.test", "os2mo-udvikling.kommune.test"]
   */
  readonly hosts?: readonly string[];
}

/** A zone that can be written. */
export interface LabZone {
  /**
   * Replaces the records: lines of a zone file (RFC 1035, section 5.1), names relative to the zone. The zone's own SOA, NS and address
   * records stay. Returns when every server that can have it has it, and the resolvers have forgotten what they knew. What
   * named would not load, such as a CNAME beside other records, is an error, and the zone stays as it was.
   */
  write(records: readonly string[]): Promise<void>;
}

/** Real DNS in a lab, and the ways in which it can be broken. Calls follow one another: each is awaited before the next. */
export interface LabNames {
  readonly servers: Readonly<Record<NameServer, Addresses>>;
  /** `ns1` is its primary. `inside` has a copy of its own, which is written with the zone until it is written alone. */
  readonly customer: LabZone & { readonly zone: string; readonly inside: LabZone };
  /** `server` takes updates (RFC 2136) that one of the keys has signed. */
  readonly vendor: LabZone & {
    readonly zone: string;
    /** IPv4 address of the primary. */
    readonly server: string;
    /** `challenges` writes TXT at the hosts' challenge names and nothing else; `records` besides A, AAAA and CNAME anywhere in the zone. */
    readonly keys: { readonly challenges: TsigKey; readonly records: TsigKey };
  };
  /** Ends a server's process: its address refuses at once. */
  stop(server: NameServer): Promise<void>;
  /** Drops all that is sent to a server: nothing answers, not even a refusal. */
  silence(server: NameServer): Promise<void>;
  /** The server is refused transfers, and keeps the zones that it has now. */
  makeStale(server: Secondary): Promise<void>;
  /** The server runs and has no zone: it refuses every question, though the parent names it. */
  makeLame(server: Secondary): Promise<void>;
  /** The signatures of the customer's zone expired long ago, also of what is written from now on. */
  breakSignatures(): Promise<void>;
  /** Ends every fault; the inside copy is the outside's again. Records stay, and servers go on asking whom they ask. */
  heal(): Promise<void>;
  /** Servers of the lab ask the inside resolver from now on. */
  useInside(servers: readonly ServerName[]): Promise<void>;
  /** Servers of the lab ask the lab's own name server again. */
  useLab(servers: readonly ServerName[]): Promise<void>;
}

/**
 * Puts real name servers on the vendor's host of a lab that is up, beside its own: a signed root and `test`, the customer's zone on
 * three servers, the vendor's on two, and two resolvers that ask from the root down. Done again, it begins anew.
 */
export async function placeNames(lab: string, options: NamesOptions, progress: Progress): Promise<LabNames> {
  const net = await recordedNet(lab);
  if (net === undefined) throw new LabError(`lab ${lab} is not up`, undefined, `npm run lab -- up --name ${lab}`);
  const plan = planAddresses(net);
  const names = new PlacedNames(lab, {
    servers: nameServerAddresses(plan),
    lab: plan.places.vendor,
    authority: authorityAddresses(plan),
    keys: { challenges: newKey("challenges"), records: newKey("records") },
    hosts: options.hosts ?? ["os2mo", "os2mo-test", "os2mo-udvikling"].map((name) => `${name}.${customerZone}`),
    control: newKey("rndc"),
  });
  progress("putting name servers on the vendor's host");
  await names.place();
  return names;
}

const newKey = (name: string): TsigKey => ({
  name,
  algorithm: "hmac-sha256",
  secret: randomBytes(32).toString("base64"),
});

class PlacedNames implements LabNames {
  readonly servers: LabNames["servers"];
  readonly customer: LabNames["customer"];
  readonly vendor: LabNames["vendor"];
  readonly #lab: string;
  readonly #host: Inside;
  readonly #placement: Placement;
  readonly #stopped = new Set<NameServer>();
  readonly #silent = new Set<NameServer>();
  readonly #faults = { stale: new Set<Secondary>(), lame: new Set<Secondary>() };
  #bogus = false;
  /** Of the customer's zone, outside and inside; its records, and those inside where they differ. */
  #serial = 1;
  #records: readonly string[] = [];
  #insideRecords: readonly string[] | undefined;
  /** Configurations as they were written last. */
  readonly #written = new Map<NameServer, string>();

  constructor(lab: string, placement: Placement) {
    this.#lab = lab;
    this.#host = new Inside(lab, "vendor");
    this.#placement = placement;
    this.servers = placement.servers;
    this.customer = {
      zone: customerZone,
      write: (records) => this.#publish(records, this.#insideRecords),
      inside: { write: (records) => this.#publish(this.#records, records) },
    };
    this.vendor = {
      zone: vendorZone,
      server: placement.servers.vendor1.v4,
      keys: placement.keys,
      write: (records) => this.#writeVendor(records),
    };
  }

  async place(): Promise<void> {
    const { servers, control } = this.#placement;
    await this.#run(`
      systemctl stop 'names@*.service'
      rm -rf ${configurationFolder} ${dataParent}
      nft delete table inet silent_names 2>/dev/null || true
    `);
    const text = (content: string, mode = 0o644) => ({ content, mode });
    await this.#write({
      "/etc/systemd/network/10-lab.network.d/names.conf": text(addressFile(Object.values(servers))),
      "/etc/systemd/system/names@.service": text(unitFile),
      [controlKeyFile]: text(`${keyLine(control)}\n`, 0o640),
      ...this.#changedConfigurations(),
      ...Object.fromEntries(
        servedZones.map(({ zone }) => [
          join(unsignedFolder, zoneFile(zone)),
          text(zoneText(zone, 1, servers, firstRecords(zone, this.#placement))),
        ]),
      ),
      [join(dataFolder("inside"), zoneFile(customerZone))]: text(zoneText(customerZone, 1, servers, [])),
      [join(dataFolder("inside"), zoneFile("."))]: text(hints(servers)),
      [join(dataFolder("outside"), zoneFile("."))]: text(hints(servers)),
    });
    await this.#run(
      `${functions}
      mkdir -p ${keyFolder} ${nameServers.map(dataFolder).join(" ")}
      ip -batch -
      for zone in ${servedZones.map(({ zone }) => zone).join(" ")}; do
        dnssec-keygen -q -a ECDSAP256SHA256 -f KSK -K ${keyFolder} "$zone" >/dev/null
      done
      ${servedZones.map(({ zone, primary }) => `sign ${zone} ${zoneFile(zone)} ${join(dataFolder(primary), zoneFile(zone))}`).join("\n")}
      set -- $(dnssec-dsfromkey -2 ${keyFolder}/K.+013+*.key)
      echo "trust-anchors { . static-ds $4 $5 $6 \\"$7\\"; };" >${anchorFile}
      chown -R root:bind ${configurationFolder}
      chmod -R u=rwX,g=rX,o= ${configurationFolder}
      chown -R bind:bind ${nameServers.map(dataFolder).join(" ")}
      systemctl daemon-reload
      systemctl enable --now --quiet ${nameServers.map(unit).join(" ")}
      ${servedZones.map(({ zone }) => this.#waitFor(zone, "1")).join("\n")}
    `,
      addressBatch(Object.values(servers)),
    );
  }

  async stop(server: NameServer): Promise<void> {
    this.#stopped.add(server);
    await this.#run(`systemctl stop ${unit(server)}; ${this.#forget()}`);
  }

  async silence(server: NameServer): Promise<void> {
    this.#silent.add(server);
    await this.#run(`nft -f -; ${this.#forget()}`, silenceRules([...this.#silent].map((name) => this.servers[name])));
  }

  async makeStale(server: Secondary): Promise<void> {
    this.#faults.stale.add(server);
    await this.#configure();
  }

  async makeLame(server: Secondary): Promise<void> {
    this.#faults.lame.add(server);
    await this.#configure();
  }

  async breakSignatures(): Promise<void> {
    this.#bogus = true;
    await this.#publish(this.#records, this.#insideRecords);
  }

  async heal(): Promise<void> {
    for (const faults of [this.#stopped, this.#silent, this.#faults.stale, this.#faults.lame]) faults.clear();
    this.#bogus = false;
    await this.#run(`
      nft delete table inet silent_names 2>/dev/null || true
      systemctl start ${nameServers.map(unit).join(" ")}
    `);
    await this.#configure();
    const secondaries: readonly Secondary[] = ["ns2", "ns3", "vendor2"];
    await this.#run(
      secondaries.flatMap((name) => zonesOf(name).map(({ zone }) => `${rndc(name)} retransfer ${zone}`)).join("\n"),
    );
    await this.#publish(this.#records, undefined);
    await this.#run(`${functions}${this.#waitFor(vendorZone, `"$(serial ${vendorZone} ${this.vendor.server})"`)}`);
  }

  async useInside(servers: readonly ServerName[]): Promise<void> {
    await this.#resolveBy(this.servers.inside, servers);
  }

  async useLab(servers: readonly ServerName[]): Promise<void> {
    await this.#resolveBy(this.#placement.lab, servers);
  }

  async #resolveBy(resolver: Addresses, servers: readonly ServerName[]): Promise<void> {
    const file = { "/etc/resolv.conf": { content: resolverFile(resolver), mode: 0o644 } };
    await Promise.all(servers.map(async (name) => writeFiles(await new Inside(this.#lab, name).root(), file)));
  }

  async #publish(records: readonly string[], insideRecords: readonly string[] | undefined): Promise<void> {
    this.#requirePrimary("ns1");
    const [file, serial] = [zoneFile(customerZone), this.#serial + 1];
    const text = (content: readonly string[]) => ({
      content: zoneText(customerZone, serial, this.servers, content),
      mode: 0o644,
    });
    await this.#write({
      [join(unsignedFolder, file)]: text(records),
      [join(unsignedFolder, `inside.${file}`)]: text(insideRecords ?? records),
    });
    const reload = (["ns1", "inside"] as const).filter((name) => !this.#stopped.has(name));
    await this.#run(`${functions}
      named-checkzone -q -i none ${customerZone} inside.${file} || named-checkzone -i none ${customerZone} inside.${file} >&2
      sign ${customerZone} ${file} ${join(dataFolder("ns1"), file)} ${this.#bogus ? expired : ""}
      cp inside.${file} ${join(dataFolder("inside"), file)}
      ${reload.map((name) => `${rndc(name)} reload ${customerZone} >/dev/null`).join("\n")}
      ${this.#waitFor(customerZone, String(serial), ["inside"])}
      ${this.#forget()}
    `);
    [this.#serial, this.#records, this.#insideRecords] = [serial, records, insideRecords];
  }

  async #writeVendor(records: readonly string[]): Promise<void> {
    this.#requirePrimary("vendor1");
    const file = zoneFile(vendorZone);
    const live = join(dataFolder("vendor1"), file);
    const content = zoneText(vendorZone, "SERIAL", this.servers, records);
    await this.#write({ [join(unsignedFolder, `${file}.template`)]: { content, mode: 0o644 } });
    // Updates are refused from the freeze to the thaw, so none is lost unseen, and the serial grows.
    await this.#run(`${functions}
      ${rndc("vendor1")} freeze ${vendorZone}
      trap '${rndc("vendor1")} thaw ${vendorZone} >/dev/null' EXIT
      next=$(($(serial ${vendorZone} ${this.vendor.server}) + 1))
      [ "$next" -gt 1 ]
      sed "3s/ SERIAL / $next /" ${file}.template >${file}
      sign ${vendorZone} ${file} ${live}
      rm -f ${live}.jnl
      trap - EXIT
      ${rndc("vendor1")} thaw ${vendorZone} >/dev/null
      ${this.#waitFor(vendorZone, '"$next"')}
      ${this.#forget()}
    `);
  }

  #requirePrimary(server: NameServer): void {
    if (!this.#answers(server)) throw new LabError(`a zone is written at its primary, and ${server} does not answer`);
  }

  #answers(server: NameServer): boolean {
    return !this.#stopped.has(server) && !this.#silent.has(server);
  }

  /** Script that waits until all servers which can have a zone, and some more, have it with a serial or a later one. */
  #waitFor(zone: string, serial: string, more: readonly NameServer[] = []): string {
    const { stale, lame } = this.#faults;
    const waiting = [...serversOf(zone), ...more].filter(
      (name) => this.#answers(name) && !stale.has(name as Secondary) && !lame.has(name as Secondary),
    );
    return `wait_for ${zone} ${serial} ${waiting.map((name) => this.servers[name].v4).join(" ")}`;
  }

  /** Script that empties the caches of the resolvers. */
  #forget(): string {
    const running = (["outside", "inside"] as const).filter((name) => !this.#stopped.has(name));
    return running.map((name) => `${rndc(name)} flush`).join("\n");
  }

  /** Gives the servers the configurations that follow from the faults. */
  async #configure(): Promise<void> {
    const before = new Map(this.#written);
    const changed = this.#changedConfigurations();
    await this.#write(changed);
    const told = nameServers.filter((name) => this.#written.get(name) !== before.get(name) && !this.#stopped.has(name));
    await this.#run(`
      chown root:bind ${Object.keys(changed).join(" ") || configurationFolder}
      ${told.map((name) => `${rndc(name)} reconfig`).join("\n")}
      ${this.#forget()}
    `);
  }

  #changedConfigurations(): Recipe["files"] {
    const files: Record<string, { content: string; mode: number }> = {};
    for (const name of nameServers) {
      const content = configuration(name, this.#placement, this.#faults);
      if (this.#written.get(name) === content) continue;
      this.#written.set(name, content);
      files[configurationFile(name)] = { content, mode: 0o640 };
    }
    return files;
  }

  async #write(files: Recipe["files"]): Promise<void> {
    await writeFiles(await this.#host.root(), files);
  }

  async #run(script: string, input?: string): Promise<string> {
    return this.#host.run(script, input);
  }
}
