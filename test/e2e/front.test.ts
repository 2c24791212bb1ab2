import { mkdtemp, readFile, rm } from "node:fs/promises";
import { type RequestOptions, request as requestHttp } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { request as requestHttps } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { pageText } from "../../infra/components/front-page.ts";
import { headersText } from "../../infra/components/front-texts.ts";
import { finish } from "../../scripts/command.ts";
import { projectFolder } from "../../scripts/engine/environment.ts";
import { machine, stackOn, within } from "./on-lab.ts";
import type { Declared } from "./project/index.ts";
import { sslyze, sslyzeVersion } from "./sslyze.ts";
import type { Run, Stack } from "./stack.ts";

const page = { customer: "Nærum Kommune", environment: "test", hostname: "os2mo-test.naerum.dk" } as const;
const { hostname } = page;
const nginx = "/etc/nginx";
const tls = "/etc/onprem/tls";

const front = (changes: object = {}): Declared[] => [
  { name: "front", type: "components/Front", args: { ...page, os: { id: "debian", release: "12" }, ...changes } },
];
const server = () => machine("test");
const onServer = (script: string) => within(server(), script);

let folder: string;
let stack: Stack;
let ca: string;
let foreseen: Run;
let first: Run;

/** A certificate of the test's own CA, as a public one would look: P-256, 60 days. */
async function issue(name: string): Promise<{ chain: string; key: string }> {
  const at = (file: string) => join(folder, file);
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  const extensions = [
    `subjectAltName=DNS:${name}`,
    "basicConstraints=critical,CA:FALSE",
    "keyUsage=critical,digitalSignature",
  ];
  const words = [
    ...[
      "openssl",
      "req",
      "-x509",
      ...key,
      "-keyout",
      at("key.pem"),
      "-out",
      at("own.pem"),
      "-days",
      "60",
      "-subj",
      `/CN=${name}`,
    ],
    ...["-CA", at("ca.pem"), "-CAkey", at("ca.key")],
    ...[...extensions, "extendedKeyUsage=serverAuth"].flatMap((extension) => ["-addext", extension]),
  ] as [string, ...string[]];
  await openssl(words);
  const read = (file: string) => readFile(at(file), "utf8");
  return { chain: await read("own.pem"), key: await read("key.pem") };
}

async function openssl(words: [string, ...string[]]): Promise<void> {
  const { code, stderr } = await finish(words, { timeout: 30 });
  if (code !== 0) throw new Error(stderr);
}

async function install({ chain, key }: { chain: string; key: string }): Promise<void> {
  await onServer(`install -d -m 0755 /etc/onprem ${tls}
printf %s '${chain}' > ${tls}/fullchain.pem
(umask 077 && printf %s '${key}' > ${tls}/key.pem)`);
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onprem-front-"));
  const authority = [
    "-keyout",
    join(folder, "ca.key"),
    "-out",
    join(folder, "ca.pem"),
    "-days",
    "60",
    "-subj",
    "/CN=Test CA",
  ];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await openssl(["openssl", "req", "-x509", ...key, ...authority, "-addext", "keyUsage=critical,keyCertSign,cRLSign"]);
  ca = await readFile(join(folder, "ca.pem"), "utf8");
  await install(await issue(hostname));
  stack = await stackOn(server());
  foreseen = await stack.preview(front());
  first = await stack.up(front());
});

afterAll(async () => {
  await stack?.destroy();
  await stack?.[Symbol.asyncDispose]();
  await onServer(`rm -rf ${tls}; rmdir --ignore-fail-on-non-empty /etc/onprem`);
  await rm(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: Record<string, unknown>;
  body: string;
}

/** One request over a connection of its own. @param host The name that is asked for, also in the handshake. */
function get(url: string, host: string = hostname, more: RequestOptions = {}): Promise<Answer> {
  const { protocol, port, pathname, search } = new URL(url);
  const [address, common] = [new URL(url).hostname.replace(/^\[|\]$/g, ""), { agent: false, timeout: 30_000 }];
  const options = { host: address, port, path: pathname + search, headers: { host }, ...common, ...more };
  const secure = { ca, servername: host, ...options };
  return new Promise((resolve, reject) => {
    const asked = protocol === "https:" ? requestHttps(secure) : requestHttp(options);
    asked.on("error", reject);
    asked.on("timeout", () => asked.destroy(new Error(`no answer from ${url}`)));
    asked.on("response", (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (text: string) => (body += text));
      response.on("error", reject);
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
    });
    asked.end();
  });
}

const families = () => {
  const { v4, v6 } = server().addresses;
  return [v4, `[${v6}]`];
};
const v4 = () => server().addresses.v4;

/** How a handshake fails, or `accepted` and what was agreed. */
function handshake(
  servername: string | undefined,
  version?: "TLSv1" | "TLSv1.1" | "TLSv1.2" | "TLSv1.3",
): Promise<string> {
  const versions = version === undefined ? {} : { minVersion: version, maxVersion: version };
  const old = version === "TLSv1" || version === "TLSv1.1" ? { ciphers: "DEFAULT@SECLEVEL=0" } : {};
  return new Promise((resolve) => {
    const name = servername === undefined ? {} : { servername };
    const socket = connectTls({ host: v4(), port: 443, rejectUnauthorized: false, ...name, ...versions, ...old });
    socket.on("secureConnect", () => {
      resolve(`accepted ${socket.getProtocol()}`);
      socket.destroy();
    });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

const children = ["configuration", "headers", "locations", "packages", "page", "page-folder", "unit"].map(
  (part) => `front-${part}`,
);

describe("the front", () => {
  test("is foreseen, made once, and an update that follows changes nothing", async () => {
    const created = Object.fromEntries(children.map((name) => [name, "create"]));
    for (const { errors, changes } of [foreseen, first])
      expect({ errors, changes }).toEqual({ errors: [], changes: created });
    const again = await stack.up(front());
    expect({ errors: again.errors, changes: again.changes }).toEqual({ errors: [], changes: {} });
  });

  test("Q-SRV-7: port 80 redirects the server's own name and answers no other, over both families", async () => {
    for (const address of families()) {
      const { status, headers, body } = await get(`http://${address}/a/b?c=%20d`);
      expect([status, headers.location]).toEqual([301, `https://${hostname}/a/b?c=%20d`]);
      expect(headers["strict-transport-security"]).toBeUndefined();
      expect(body).not.toContain("Kommune");
      for (const other of ["other.naerum.dk", v4(), "localhost"]) {
        await expect(get(`http://${address}/`, other)).rejects.toThrow("socket hang up");
      }
    }
  });

  test("DNS-1: the page says whose server it is and which, over both families", async () => {
    for (const address of families()) {
      const { status, headers, body } = await get(`https://${address}/`);
      expect([status, headers["content-type"]]).toEqual([200, "text/html"]);
      expect(body).toBe(pageText(page));
      expect(body).toContain("<title>Test – OS2mo – Nærum Kommune</title>");
    }
  });

  test("headers: HSTS of two years, and a policy that the page needs; no version of anything", async () => {
    const { headers } = await get(`https://${v4()}/`);
    expect(headers).toMatchObject({
      server: "nginx",
      "strict-transport-security": "max-age=63072000",
      "x-content-type-options": "nosniff",
      "referrer-policy": "same-origin",
      "cache-control": "no-cache",
      "content-security-policy": expect.stringMatching(/^default-src 'none'; style-src 'sha256-/),
    });
    const missing = await get(`https://${v4()}/graphql`);
    expect([missing.status, missing.headers["strict-transport-security"]]).toEqual([404, "max-age=63072000"]);
    expect(missing.body).not.toMatch(/nginx\/\d/);
  });

  test("HTTP/2 is spoken", async () => {
    const session = connectHttp2(`https://${hostname}`, { ca, host: v4(), servername: hostname });
    try {
      const status = await new Promise((resolve, reject) => {
        session.on("error", reject);
        session.request({ ":path": "/" }).on("response", (headers) => resolve(headers[":status"]));
      });
      expect([status, session.alpnProtocol]).toEqual([200, "h2"]);
    } finally {
      session.destroy();
    }
  });

  test.each([
    { version: "TLSv1", outcome: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" },
    { version: "TLSv1.1", outcome: "ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION" },
    { version: "TLSv1.2", outcome: "accepted TLSv1.2" },
    { version: "TLSv1.3", outcome: "accepted TLSv1.3" },
  ] as const)("$version: $outcome", async ({ version, outcome }) => {
    expect(await handshake(hostname, version)).toBe(outcome);
  });

  test("another name, or none, gets no handshake; another name in a connection that was made with ours gets no answer", async () => {
    expect(await handshake("other.naerum.dk")).toBe("ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    expect(await handshake(undefined)).toBe("ERR_SSL_TLSV1_UNRECOGNIZED_NAME");
    const disguised = { headers: { host: "other.naerum.dk" } };
    await expect(get(`https://${v4()}/`, hostname, disguised)).rejects.toThrow("socket hang up");
  });

  test("sslyze has nothing against it; what the server does without, docs/https.md gives a reason for", async () => {
    const text = await readFile(join(projectFolder, "docs", "https.md"), "utf8");
    expect(text).toContain(`sslyze ${sslyzeVersion}`);
    const { deviations, complaints, without } = await sslyze(hostname, v4(), join(folder, "ca.pem"));
    expect({ deviations, complaints }).toEqual({ deviations: [], complaints: [] });
    expect(without.filter((name) => !text.includes(`\`${name}\``))).toEqual([]);
    expect(without.length).toBeGreaterThan(0);
  });

  test("the access log says who asked for which path and when, and nothing that was searched for", async () => {
    await get(`https://${v4()}/service/e/?query=010190-1234`);
    const log = await onServer("cat /var/log/nginx/access.log");
    expect(log).toMatch(
      new RegExp(`^\\S+ \\[\\S+\\] ${hostname} "GET /service/e/ HTTP/1\\.1" 404 \\d+ \\S+ TLSv1\\.3 "-"$`, "m"),
    );
    expect(log).not.toContain("010190");
  });

  test("a rotated log goes on in the new file", async () => {
    await onServer("logrotate -f /etc/logrotate.d/nginx");
    await get(`https://${v4()}/after-rotation`);
    expect(await onServer("cat /var/log/nginx/access.log")).toContain("/after-rotation");
    expect(await onServer("stat -c %U:%G:%a /var/log/nginx/access.log")).toBe("www-data:adm:640");
  });

  test("the unit has no more rights than its drop-in leaves it, and nothing in the journal complains", async () => {
    const shown = await onServer(
      "systemctl show -p ProtectSystem,NoNewPrivileges,ProtectHome,PrivateDevices nginx.service",
    );
    expect(shown.split("\n").sort()).toEqual([
      "NoNewPrivileges=yes",
      "PrivateDevices=yes",
      "ProtectHome=yes",
      "ProtectSystem=strict",
    ]);
    const workers = await onServer("grep -h CapEff $(pgrep -u www-data nginx | sed 's|.*|/proc/&/status|')");
    expect(new Set(workers.split("\n"))).toEqual(new Set(["CapEff:\t0000000000000000"]));
    expect(await onServer("journalctl -q -p warning -u nginx.service -o cat")).toBe("");
  });
});

describe("what changes while it runs", () => {
  const master = () => onServer("cat /run/nginx.pid");

  test("an application takes over by a file of its own, and no file of ours", async () => {
    const file = `${nginx}/onprem.d/application.conf`;
    await onServer(`cat > ${file} <<'END'
location / { default_type text/plain; return 200 "application at $uri\\n"; }
location /own-headers/ { include ${nginx}/onprem-headers.conf; add_header X-Own yes; return 204; }
END
systemctl reload nginx.service`);
    await settled(async () => (await get(`https://${v4()}/`)).body === "application at /\n");
    expect((await get(`https://${v4()}/any/where`)).body).toBe("application at /any/where\n");
    for (const path of ["/", "/own-headers/"]) {
      const { headers } = await get(`https://${v4()}${path}`);
      for (const [, name = ""] of headersText.matchAll(/^add_header (\S+)/gm))
        expect(headers).toHaveProperty(name.toLowerCase());
      expect(headers).not.toHaveProperty("content-security-policy");
    }
    expect((await stack.preview(front())).changes).toEqual({});
    await onServer(`rm ${file} && systemctl reload nginx.service`);
    await settled(async () => (await get(`https://${v4()}/`)).body === pageText(page));
  });

  test("20 reloads under load: no request fails, and a download that began before them ends after them, whole", async () => {
    await onServer(`head -c 3000000 /dev/zero > /var/www/onprem/large
echo 'location = /large { root /var/www/onprem; limit_rate 300k; }' > ${nginx}/onprem.d/large.conf
systemctl reload nginx.service`);
    await settled(async () => (await get(`https://${v4()}/large`, hostname, { method: "HEAD" })).status === 200);
    const before = await master();
    let isLoaded = true;
    const failures: unknown[] = [];
    let answered = 0;
    const load = async (url: string) => {
      while (isLoaded) {
        await get(url).then(
          ({ status }) => (status === 200 ? answered++ : failures.push(status)),
          (error: unknown) => failures.push(error),
        );
      }
    };
    const loads = [...families(), ...families()].map((address) => load(`https://${address}/`));
    const download = get(`https://${v4()}/large`);
    let reloads = 0;
    try {
      for (; reloads < 20; reloads++) {
        await onServer("systemctl reload nginx.service");
        await sleep(100);
      }
    } finally {
      isLoaded = false;
    }
    await Promise.all(loads);
    expect({ failures, reloads }).toEqual({ failures: [], reloads: 20 });
    expect(answered).toBeGreaterThan(200);
    expect((await download).body).toHaveLength(3_000_000);
    expect(await master()).toBe(before);
    await onServer(`rm ${nginx}/onprem.d/large.conf /var/www/onprem/large && systemctl reload nginx.service`);
  });

  test("a renewed certificate is served after a reload", async () => {
    const renewed = await issue(hostname);
    await install(renewed);
    await onServer("systemctl reload nginx.service");
    await settled(async () => (await served()) === renewed.chain);
    expect((await get(`https://${v4()}/`)).status).toBe(200);
  });

  test("what was changed by hand is shown, and healed by a reload", async () => {
    const before = await master();
    await onServer(`sed -i 's/TLSv1.2 TLSv1.3/TLSv1.3/' ${nginx}/onprem.conf`);
    const shown = await stack.preview(front());
    expect(shown.diffs["front-configuration"]).toEqual(["content"]);
    const healed = await stack.up(front());
    expect(healed.errors).toEqual([]);
    expect(await handshake(hostname, "TLSv1.2")).toBe("accepted TLSv1.2");
    expect(await master()).toBe(before);
    expect((await stack.preview(front())).changes).toEqual({});
  });
});

describe("what nginx refuses leaves the running one as it is", () => {
  const running = () =>
    onServer(`cat /run/nginx.pid; sha256sum < ${nginx}/onprem.conf; pgrep -u www-data nginx | tr '\\n' ' '`);

  test("a certificate that is not there: nginx says so, and nothing was written", async () => {
    const before = await running();
    const { code, errors } = await stack.up(
      front({ certificate: { chain: `${tls}/none.pem`, key: `${tls}/key.pem` } }),
    );
    expect(code).not.toBe(0);
    expect(errors.join("\n")).toMatch(/File "front-configuration": could not write \/etc\/nginx\/onprem\.conf/);
    expect(errors.join("\n")).toContain(`cannot load certificate "${tls}/none.pem"`);
    expect(await running()).toBe(before);
    expect((await get(`https://${v4()}/`)).status).toBe(200);
    expect((await stack.up(front())).errors).toEqual([]);
    expect(await running()).toBe(before);
  });

  test("a broken file of the application's: neither a reload nor an update does harm", async () => {
    const before = await running();
    await onServer(`echo 'location / { proxy_pas x; }' > ${nginx}/onprem.d/broken.conf`);
    expect(await onServer("systemctl reload nginx.service 2>/dev/null || echo refused")).toBe("refused");
    const { errors } = await stack.up(front({ hostname: "renamed.naerum.dk" }));
    expect(errors.join("\n")).toContain('unknown directive "proxy_pas" in /etc/nginx/onprem.d/broken.conf:1');
    expect(await running()).toBe(before);
    expect((await get(`https://${v4()}/`)).status).toBe(200);
    await onServer(`rm ${nginx}/onprem.d/broken.conf`);
    expect((await stack.up(front())).errors).toEqual([]);
  });
});

test("removed, it leaves no web server", async () => {
  const { errors } = await stack.destroy();
  expect(errors).toEqual([]);
  expect(
    await onServer(
      `ls -d ${nginx}/onprem* /var/www/onprem /etc/systemd/system/nginx.service.d /usr/sbin/nginx /lib/systemd/system/nginx.service 2>/dev/null || true`,
    ),
  ).toBe("");
  await expect(get(`http://${v4()}/`)).rejects.toThrow("ECONNREFUSED");
});

/** The certificate that a new connection gets, as PEM. */
function served(): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ host: v4(), port: 443, servername: hostname, ca }, () => {
      const { raw } = socket.getPeerCertificate();
      const lines = raw.toString("base64").match(/.{1,64}/g) ?? [];
      resolve(`-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`);
      socket.destroy();
    });
    socket.on("error", reject);
  });
}

/** Old workers may answer for a moment after a reload has returned. */
async function settled(isSo: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline; await sleep(50)) if (await isSo()) return;
  throw new Error("not within 5 s of the reload");
}
