import { describe, expect, test } from "vitest";
import { pagePolicy } from "../../../infra/components/front-page.ts";
import { configurationText, dropInText, headersText, packagesOf } from "../../../infra/components/front-texts.ts";

const site = { hostname: "os2mo.naerum.dk", chain: "/c.pem", key: "/k.pem", nginx: "1.22.1-9+deb12u11" };

test("the configuration, whole", () => {
  expect(
    configurationText(site),
  ).toBe(`# Managed by Pulumi. The application's own locations stand in /etc/nginx/onprem.d.
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

  ssl_certificate /c.pem;
  ssl_certificate_key /k.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
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
    server_name os2mo.naerum.dk;
    return 301 https://os2mo.naerum.dk$request_uri;
  }

  server {
    listen 443 ssl http2 default_server;
    listen [::]:443 ssl http2 default_server;
    server_name _;
    ssl_reject_handshake on;
    return 444;
  }

  server {
    listen 443 ssl http2;
    listen [::]:443 ssl http2;
    server_name os2mo.naerum.dk;
    include /etc/nginx/onprem-headers.conf;

    # What no location of the application's takes.
    root /var/www/onprem;
    try_files /.none @start;
    location @start {
      if ($uri != /) {
        return 404;
      }
      include /etc/nginx/onprem-headers.conf;
      add_header Content-Security-Policy "${pagePolicy}" always;
      add_header Cache-Control "no-cache";
      try_files /index.html =404;
    }

    include /etc/nginx/onprem.d/*.conf;
  }
}
`);
});

test.each([
  { nginx: "1.18.0-0ubuntu1.7", refuses: false },
  { nginx: "1.18.0-6.1+deb11u3", refuses: false },
  { nginx: "1.19.3-1", refuses: false },
  { nginx: "1.19.4-1", refuses: true },
  { nginx: "1.24.0-2ubuntu7.4", refuses: true },
  { nginx: "1.26.3-3+deb13u1", refuses: true },
  { nginx: "2.0-1", refuses: true },
  { nginx: "", refuses: false },
])(
  "nginx $nginx refuses a handshake for an unknown name: $refuses; and is otherwise told the same",
  ({ nginx, refuses }) => {
    const expected = configurationText(site);
    const line = "    ssl_reject_handshake on;\n";
    expect(configurationText({ ...site, nginx })).toBe(refuses ? expected : expected.replace(line, ""));
  },
);

test("HSTS: two years, for this name alone", () => {
  expect(headersText).toBe(`# Managed by Pulumi. A location that adds a header of its own includes this file again.
add_header Strict-Transport-Security "max-age=63072000" always;
add_header X-Content-Type-Options "nosniff" always;
add_header Referrer-Policy "same-origin" always;
`);
});

test("the unit tests its configuration before a start, reads it again without one, and may do little", () => {
  expect(dropInText).toBe(`[Service]
ExecStartPre=
ExecStartPre=/usr/sbin/nginx -t -q -c /etc/nginx/onprem.conf
ExecStart=
ExecStart=/usr/sbin/nginx -c /etc/nginx/onprem.conf
ExecReload=
ExecReload=/usr/sbin/nginx -c /etc/nginx/onprem.conf -s reload
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
`);
});

describe("what would be more than a word of the configuration is refused", () => {
  test.each(["/c.pem; include /etc/passwd", "/with space", "relative.pem", "/a\n", "/$host", ""])("path %j", (path) => {
    const refused = "cannot stand in a configuration of nginx";
    expect(() => configurationText({ ...site, chain: path })).toThrow(
      `certificate.chain: ${JSON.stringify(path)} ${refused}`,
    );
    expect(() => configurationText({ ...site, key: path })).toThrow(
      `certificate.key: ${JSON.stringify(path)} ${refused}`,
    );
  });
});

const focal = ["http-image-filter", "http-xslt-filter", "mail", "stream"].map((name) => `libnginx-mod-${name}`);

test.each([
  { os: { id: "ubuntu", release: "20.04" }, more: ["nginx-core", ...focal] },
  { os: { id: "ubuntu", release: "24.04" }, more: [] },
  { os: { id: "debian", release: "12" }, more: [] },
])("SRV-6: all that nginx consists of in $os.id $os.release is named, so that all of it goes", ({ os, more }) => {
  expect(packagesOf(os)).toEqual(["nginx", "nginx-common", ...more]);
});
