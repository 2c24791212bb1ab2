import { describe, expect, test } from "vitest";
import { NotTrusted } from "../../../../infra/provider/host/errors.ts";
import { pinnedKeys, signatureAlgorithms } from "../../../../infra/provider/host/host-key.ts";

// Made with ssh-keygen for this test; ssh-keygen -lf prints the fingerprint.
const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKbR/Xqvd2dd3lORtdOOWdikic3U5Y/7KZmjsFeXTV6C";
const fingerprint = "SHA256:A6EA95nTqxtckq+0+lXOCV7IdfUNKKaKlYYvkgNG7Oc";
const pinned = (hostKey: string) => pinnedKeys({ host: "192.0.2.1", name: "dev", hostKey });

describe("pinned host keys", () => {
  test.each([
    ["a bare line", line],
    ["a line with a comment", `${line} root@dev\n`],
    ["among comments and empty lines", `# dev\r\n\r\n  ${line}  \r\n`],
  ])("%s", (_, text) => {
    expect(pinned(text).map(({ blob: _, ...key }) => key)).toEqual([{ type: "ssh-ed25519", line, fingerprint }]);
  });

  test.each([
    ["nothing", "", "its host key is not recorded"],
    ["only a comment", "# later\n", "its host key is not recorded"],
    ["a known_hosts line", `dev ${line}`, "a host key line must begin with one of ssh-ed25519"],
    ["a type that is not the key's", line.replace("ssh-ed25519", "ssh-rsa"), "this is no valid OpenSSH public key"],
    ["base64 that is cut short", line.slice(0, -1), "this is no valid OpenSSH public key"],
    ["one good line and one bad", `${line}\nrubbish`, "a host key line must begin with"],
  ])("%s is an error", (_, text, why) => {
    expect(() => pinned(text)).toThrow(NotTrusted);
    expect(() => pinned(text)).toThrow(why);
  });

  test("decide which signatures are asked for, SHA-1 never", () => {
    expect(signatureAlgorithms(["ssh-rsa", "ssh-rsa"])).toEqual(["rsa-sha2-512", "rsa-sha2-256"]);
    expect(signatureAlgorithms()).toEqual([
      "ssh-ed25519",
      "ecdsa-sha2-nistp256",
      "ecdsa-sha2-nistp384",
      "ecdsa-sha2-nistp521",
      "rsa-sha2-512",
      "rsa-sha2-256",
    ]);
  });
});
