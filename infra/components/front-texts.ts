import { RunError } from "@pulumi/pulumi";
import { pagePolicy } from "./front-page.ts";

/** The web server. */
export const program = "/usr/sbin/nginx";
export const configurationFile = "/etc/nginx/onprem.conf";
export const headersFile = "/etc/nginx/onprem-headers.conf";
export const locationsFolder = "/etc/nginx/onprem.d";
export const pageFolder = "/var/www/onprem";

/** Until 22.04, `nginx` is only a name for a package that brings modules along, which nothing here uses. */
const olderUbuntu: Readonly<Record<string, readonly string[]>> = {
  "20.04": ["http-image-filter", "http-xslt-filter", "mail", "stream"],
  "22.04": ["http-geoip2", "http-image-filter", "http-xslt-filter", "mail", "stream", "stream-geoip2"],
};

/** The packages that nginx consists of: all are named, for dpkg removes none that another one needs. */
export function packagesOf({ id, release }: { id: string; release: string }): string[] {
  const modules = id === "ubuntu" ? olderUbuntu[release] : undefined;
  const core = modules === undefined ? [] : ["nginx-core", ...modules.map((name) => `libnginx-mod-${name}`)];
  return ["nginx", "nginx-common", ...core];
}

/** What each answer over HTTPS says besides; nginx forgets all of it in a location that adds a header of its own. */
export const headersText = `# Managed by Pulumi. A location that adds a header of its own includes this file again.
add_header Strict-Transport-Security "max-age=63072000" always;
add_header X-Content-Type-Options "nosniff" always;
add_header Referrer-Policy "same-origin" always;
`;

/** What the configuration depends on. */
export interface Site {
  readonly hostname: string;
  /** Paths on the server. */
  readonly chain: string;
  readonly key: string;
  /** The package's version, as dpkg writes it. */
  readonly nginx: string;
}

/**
 * The whole of nginx's configuration, in words that 1.18 of Ubuntu 20.04 and 1.22 of Debian 12 know. TLS is Mozilla's
 * intermediate recommendation 5.7 without its finite-field DHE.
 *
 * @throws RunError when a path cannot stand in a configuration
 */
export function configurationText({ hostname, chain, key, nginx }: Site): string {
  for (const [property, path] of Object.entries({ chain, key })) {
    checkWord(`certificate.${property}`, path, /^\/[A-Za-z0-9._/@+-]+$/);
  }
  return `# Managed by Pulumi. The application's own locations stand in ${locationsFolder}.
user www-data;
worker_processes auto;
worker_rlimit_nofile 8192;
pid /run/nginx.pid;
error_log /var/log/nginx/error.log;

events {
  worker_connections 4096;
}

http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  types_hash_max_size 2048;
  server_names_hash_bucket_size 512;
  sendfile on;
  tcp_nopush on;
  server_tokens off;

  # Without what follows the question mark: people search by name and by civil registration number.
  map $request_uri $onprem_path {
    "~^(?<path>[^?]*)" $path;
  }
  log_format onprem '$remote_addr [$time_iso8601] $host "$request_method $onprem_path $server_protocol" '
    '$status $body_bytes_sent $request_time $ssl_protocol "$http_user_agent"';
  access_log /var/log/nginx/access.log onprem;

  ssl_certificate ${chain};
  ssl_certificate_key ${key};
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ${ciphers.join(":")};
  ssl_ecdh_curve X25519:prime256v1:secp384r1;
  ssl_prefer_server_ciphers off;
  ssl_session_timeout 1d;
  ssl_session_cache shared:onprem:10m;
  ssl_session_tickets off;
  ssl_stapling off;

  server {
    listen 80 default_server;
    listen [::]:80 default_server;
    server_name _;
    return 444;
  }

  server {
    listen 80;
    listen [::]:80;
    server_name ${hostname};
    return 301 https://${hostname}$request_uri;
  }

  server {
    listen 443 ssl http2 default_server;
    listen [::]:443 ssl http2 default_server;
    server_name _;
${rejectsHandshakes(nginx) ? "    ssl_reject_handshake on;\n" : ""}    return 444;
  }

  server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;
    server_name ${hostname};
    include ${headersFile};

    # What no location of the application's takes.
    root ${pageFolder};
    try_files /.none @start;
    location @start {
      if ($uri != /) {
        return 404;
      }
      include ${headersFile};
      add_header Content-Security-Policy "${pagePolicy}" always;
      add_header Cache-Control "no-cache";
      try_files /index.html =404;
    }

    include ${locationsFolder}/*.conf;
  }
}
`;
}

const ciphers = ["AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305"].flatMap((cipher) => [
  `ECDHE-ECDSA-${cipher}`,
  `ECDHE-RSA-${cipher}`,
]);

/** `ssl_reject_handshake` came with 1.19.4; what is not known is taken for old. */
function rejectsHandshakes(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = (/^[\d.]+/.exec(version)?.[0] ?? "").split(".").map(Number);
  return major * 1e6 + minor * 1e3 + patch >= 1_019_004;
}

/**
 * The package's unit with our configuration, and with no more rights than it needs, in words of systemd 245. The master is
 * root: it binds ports, reads the key, opens logs that belong to www-data and gives its workers to that account.
 */
export const dropInText = `[Service]
ExecStartPre=
ExecStartPre=${program} -t -q -c ${configurationFile}
ExecStart=
ExecStart=${program} -c ${configurationFile}
ExecReload=
ExecReload=${program} -c ${configurationFile} -s reload
Restart=on-failure
RestartSec=1
CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_KILL CAP_NET_BIND_SERVICE CAP_SETGID CAP_SETUID
NoNewPrivileges=yes
ProtectSystem=strict
ReadWritePaths=/run /var/log/nginx /var/lib/nginx
ProtectHome=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
`;

/** @throws RunError when it could be more than a word of the configuration */
export function checkWord(property: string, given: string, allowed: RegExp): void {
  if (allowed.test(given)) return;
  throw new RunError(`${property}: ${JSON.stringify(given)} cannot stand in a configuration of nginx`);
}
