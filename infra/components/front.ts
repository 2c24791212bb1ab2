import { all, ComponentResource, type ComponentResourceOptions, type Input, output } from "@pulumi/pulumi";
import { Directory } from "../provider/resources/directory.ts";
import { File } from "../provider/resources/file.ts";
import { Package } from "../provider/resources/package.ts";
import { SystemdUnit } from "../provider/resources/systemd-unit.ts";
import type { Environment } from "../settings.ts";
import { type ChildOptions, childOptions } from "./child-options.ts";
import { pageText } from "./front-page.ts";
import {
  checkWord,
  configurationFile,
  configurationText,
  dropInText,
  headersFile,
  headersText,
  locationsFolder,
  packagesOf,
  pageFolder,
  program,
} from "./front-texts.ts";

/** The unit of the web server; a reload of it takes up a new certificate and drops no connection. */
export const webServerUnit = "nginx.service";

/** Where the certificate stands unless somebody says otherwise. */
export const certificateFiles = { chain: "/etc/onprem/tls/fullchain.pem", key: "/etc/onprem/tls/key.pem" };

/** Two files on the server, as paths. */
export interface CertificateFiles {
  /** PEM: the server's own certificate first, then those between it and the root. */
  chain: Input<string>;
  /** PEM: its private key, which root can read. */
  key: Input<string>;
}

/** The web server that fronts everything. */
export interface FrontArgs {
  /** Name of the customer, for the start page. */
  customer: string;
  /** Which of the customer's servers it is, for the start page. */
  environment: Environment;
  /** The server's whole name: the only one that is served. */
  hostname: string;
  /** The server's operating system, as `Facts` sees it: nginx is packed in another way in older releases. */
  os: Input<{ id: string; release: string }>;
  /**
   * The certificate and its key. Somebody else installs them, before this component (`dependsOn`).
   * @default { chain: "/etc/onprem/tls/fullchain.pem", key: "/etc/onprem/tls/key.pem" }
   */
  certificate?: CertificateFiles;
}

/**
 * HTTPS on the server (DNS-1, NET-4): nginx with a configuration of its own. Port 80 only redirects (Q-SRV-7), 443 serves
 * the server's own name and refuses every other. Until the application is there, a page says whose server it is and which.
 * The application takes over by a file with its locations in `/etc/nginx/onprem.d`. docs/https.md has the reasons.
 *
 * `dependsOn` of the options holds for every child.
 *
 * @example
 * const { os } = new Facts("facts");
 * const args = { customer: "Nærum Kommune", environment: "test", hostname: "os2mo-test.naerum.dk", os } as const;
 * new Front("front", args, { dependsOn: certificate });
 */
export class Front extends ComponentResource {
  /** Where people find it. */
  readonly url: string;

  /** @throws RunError when the name cannot stand in a configuration */
  constructor(name: string, args: FrontArgs, options?: ComponentResourceOptions) {
    super("os2mo:server:Front", name, {}, options);
    checkWord("hostname", args.hostname, /^[A-Za-z0-9.-]{1,253}$/);
    const child = childOptions(this, options);
    const installed = createPackages(name, args, child);
    const onPackages = { ...child, dependsOn: installed };
    const page = createPage(name, args, onPackages);
    const locations = createLocations(name, onPackages);
    const headers = createHeaders(name, onPackages);
    const onParts = { ...child, dependsOn: [page, locations, headers] };
    const configuration = createConfiguration(name, args, installed, onParts);
    createUnit(name, { headers, configuration }, { ...child, dependsOn: [headers, configuration] });

    this.url = `https://${args.hostname}/`;
    this.registerOutputs({ url: this.url });
  }
}

/** logrotate keeps the package's log files for 14 days; nginx does not bring it along. */
function createPackages(name: string, { os }: FrontArgs, options: ChildOptions): Package {
  const packages = output(os).apply((which) =>
    Object.fromEntries([...packagesOf(which), "logrotate"].map((name) => [name, "installed"])),
  );
  return new Package(`${name}-packages`, { packages }, options);
}

function createPage(name: string, args: FrontArgs, options: ChildOptions): File {
  const folder = new Directory(`${name}-page-folder`, { path: pageFolder }, options);
  const path = `${pageFolder}/index.html`;
  return new File(`${name}-page`, { path, content: pageText(args) }, { ...options, dependsOn: folder });
}

function createLocations(name: string, options: ChildOptions): Directory {
  return new Directory(`${name}-locations`, { path: locationsFolder }, options);
}

function createHeaders(name: string, options: ChildOptions): File {
  return new File(`${name}-headers`, { path: headersFile, content: headersText }, options);
}

/** A file of its own beside the package's, which stay as they are: nothing for dpkg to ask about when it brings new ones. */
function createConfiguration(
  name: string,
  { hostname, certificate = certificateFiles }: FrontArgs,
  { versions }: Package,
  options: ChildOptions,
): File {
  const content = all([versions, certificate.chain, certificate.key]).apply(([{ nginx = "" }, chain, key]) =>
    configurationText({ hostname, chain, key, nginx }),
  );
  const validate = [program, "-t", "-q", "-c", "{}"];
  return new File(`${name}-configuration`, { path: configurationFile, content, validate }, options);
}

function createUnit(
  name: string,
  { headers, configuration }: { headers: File; configuration: File },
  options: ChildOptions,
): void {
  new SystemdUnit(
    `${name}-unit`,
    {
      name: webServerUnit,
      dropIns: { onprem: dropInText },
      enabled: true,
      running: true,
      reads: { [configurationFile]: configuration.sha256, [headersFile]: headers.sha256 },
      onChange: "reload",
    },
    options,
  );
}
