import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { run } from "./command.ts";
import { LabError } from "./lab-error.ts";
import { withLock } from "./lock.ts";
import { labFolder } from "./places.ts";
import { ensureRequirements, type Needs, pythonNeeds } from "./requirements.ts";
import type { Progress } from "./status.ts";

/** The newest of its series that plain pip installs whole. */
export const saltVersion = "3007.15";

/** Version of Python in the lab's release, which the packages are made for. */
const python = "3.11";

const needs: Needs = { "dpkg-deb": "dpkg", gpg: "gnupg", ...pythonNeeds };

/** Where the packages keep Salt; the distribution's own Python runs it. */
const home = "/opt/saltstack/salt";

const program = (name: string) => {
  // `salt.scripts.salt` is the module itself.
  const entry = name === "salt" ? "salt_main" : name.replace("-", "_");
  return `#!/usr/bin/python3
import sys
sys.path.insert(0, "${home}/lib")
from salt.scripts import ${entry}
sys.exit(${entry}())
`;
};

const unit = (what: string) => `[Unit]
Description=The Salt ${what}
After=network.target
[Service]
KillMode=process
Type=notify
NotifyAccess=all
LimitNOFILE=100000
ExecStart=/usr/bin/salt-${what}
[Install]
WantedBy=multi-user.target
`;

/** Packages by name: what each brings of its own, and what it needs. */
const packages = {
  "salt-common": { programs: ["salt-call"], units: [], needs: `python3 (>= ${python}), python3 (<< 3.12)` },
  "salt-minion": { programs: ["salt-minion"], units: ["minion"], needs: `salt-common (= ${saltVersion})` },
  "salt-master": {
    programs: ["salt", "salt-key", "salt-master", "salt-run"],
    units: ["master"],
    needs: `salt-common (= ${saltVersion})`,
  },
} as const;

/** Salt as an apt repository of Debian packages, signed with a key of its own. */
export interface SaltRepository {
  /** Folder to serve: a flat repository. */
  readonly folder: string;
  /** The armoured public key. */
  readonly key: string;
}

/** Where the packages stand once they are made. */
export function saltFolder(): string {
  const hash = createHash("sha256")
    .update(JSON.stringify([packages, program("salt"), unit("x"), 1]))
    .digest("hex")
    .slice(0, 12);
  return join(labFolder(), `salt-${saltVersion}-${hash}`);
}

/**
 * Salt's Debian packages, as the vendor's repository would have them: made of Salt as PyPI has it, once for this cache, since the
 * real repository is out of reach of a closed network. Takes one to two minutes the first time.
 */
export async function saltRepository(progress: Progress): Promise<SaltRepository> {
  const folder = saltFolder();
  await mkdir(labFolder(), { recursive: true });
  await withLock(join(labFolder(), "salt.lock"), progress, async () => {
    if (existsSync(folder)) return;
    await ensureRequirements(needs, progress);
    const temporary = `${folder}.building`;
    await rm(temporary, { recursive: true, force: true });
    try {
      progress(`making packages of Salt ${saltVersion} from PyPI, once for this cache (one to two minutes)`);
      await build(temporary);
      await rename(join(temporary, "repository"), folder);
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  });
  return { folder, key: await readFile(join(folder, "key.asc"), "utf8") };
}

async function build(temporary: string): Promise<void> {
  const repository = join(temporary, "repository");
  await mkdir(repository, { recursive: true });
  const site = await installSalt(temporary);
  const architecture = (await run(["dpkg", "--print-architecture"])).trim();
  const stanzas: string[] = [];
  for (const [name, { programs, units, needs: depends }] of Object.entries(packages)) {
    const root = join(temporary, name);
    const files: Record<string, { text: string; mode: number }> = {
      "DEBIAN/control": {
        text: `Package: ${name}\nVersion: ${saltVersion}\nArchitecture: ${architecture}\nMaintainer: lab <root@localhost>\nDepends: ${depends}\nDescription: Salt ${saltVersion} of PyPI, for a lab\n`,
        mode: 0o644,
      },
      ...Object.fromEntries(programs.map((one) => [`usr/bin/${one}`, { text: program(one), mode: 0o755 }])),
      ...Object.fromEntries(
        units.map((what) => [`usr/lib/systemd/system/salt-${what}.service`, { text: unit(what), mode: 0o644 }]),
      ),
    };
    for (const [path, { text, mode }] of Object.entries(files)) {
      await mkdir(dirname(join(root, path)), { recursive: true });
      await writeFile(join(root, path), text);
      await chmod(join(root, path), mode);
    }
    if (name === "salt-common") await cp(site, join(root, home, "lib"), { recursive: true });
    const file = `${name}_${saltVersion}_${architecture}.deb`;
    await run(["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", root, join(repository, file)]);
    stanzas.push(await stanza(repository, file));
  }
  await sign(temporary, repository, stanzas.join("\n"));
}

/** Salt and what it needs from PyPI, in a folder without anything of this machine. */
async function installSalt(temporary: string): Promise<string> {
  const found = (await run(["/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])"])).trim();
  if (found !== python) {
    throw new LabError(
      `Salt's packages for the lab are made with Python ${python}`,
      `/usr/bin/python3 is ${found}, and what it makes would not run on the lab's machines`,
      "run this part of the lab on Debian 12",
    );
  }
  const [tools, site] = [join(temporary, "tools"), join(temporary, "site")];
  await run(["/usr/bin/python3", "-m", "venv", tools]);
  await run([
    join(tools, "bin", "pip"),
    "install",
    "--quiet",
    "--disable-pip-version-check",
    "--no-compile",
    "--target",
    site,
    `salt==${saltVersion}`,
  ]);
  // Programs of this machine's folders; the packages bring their own.
  await rm(join(site, "bin"), { recursive: true, force: true });
  return site;
}

/** A package as an index has it (deb-src-control(5), Debian policy 5.3). */
async function stanza(repository: string, file: string): Promise<string> {
  const control = (await run(["dpkg-deb", "--field", join(repository, file)])).trim();
  const { size } = await stat(join(repository, file));
  return `${control}\nFilename: ./${file}\nSize: ${size}\nSHA256: ${await sha256(join(repository, file))}\n`;
}

/** The index, its checksum, and a signature of that by a key that is made for it and thrown away. */
async function sign(temporary: string, repository: string, index: string): Promise<void> {
  await writeFile(join(repository, "Packages"), index);
  const { size } = await stat(join(repository, "Packages"));
  const sum = await sha256(join(repository, "Packages"));
  const release = `Origin: lab\nLabel: Salt for a lab\nSuite: stable\nDate: ${new Date().toUTCString().replace("GMT", "UTC")}\nSHA256:\n ${sum} ${size} Packages\n`;
  await writeFile(join(repository, "Release"), release);
  const gnupg = join(temporary, "gnupg");
  await mkdir(gnupg, { mode: 0o700 });
  const gpg = (...words: string[]) => run(["gpg", "--homedir", gnupg, "--batch", "--quiet", ...words]);
  try {
    await gpg(
      "--passphrase",
      "",
      "--quick-generate-key",
      "Salt for a lab <root@localhost>",
      "ed25519",
      "sign",
      "never",
    );
    await gpg("--output", join(repository, "InRelease"), "--clearsign", join(repository, "Release"));
    await writeFile(join(repository, "key.asc"), await gpg("--armor", "--export"));
  } finally {
    await run(["gpgconf", "--homedir", gnupg, "--kill", "all"]);
  }
}

async function sha256(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex");
}
