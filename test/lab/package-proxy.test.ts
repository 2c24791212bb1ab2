import { expect, test } from "vitest";
import { proxyConfiguration } from "../../lab/package-proxy.ts";

test("the shared proxy listens on the loopback only and passes HTTPS archives", () => {
  expect(proxyConfiguration("/c/packages", 20001, undefined)).toBe(
    [
      "CacheDir: /c/packages/cache",
      "LogDir: /c/packages/log",
      "SocketPath: /c/packages/socket",
      "SupportDir: /usr/lib/apt-cacher-ng",
      "BindAddress: 127.0.0.1",
      "Port: 20001",
      "ForeGround: 1",
      "AllowUserPorts: 80 443",
      "",
    ].join("\n"),
  );
});

test("it goes through the machine's own proxy where there is one", () => {
  expect(proxyConfiguration("/c", 20001, "http://p.example:8080")).toContain("\nProxy: http://p.example:8080\n");
});
