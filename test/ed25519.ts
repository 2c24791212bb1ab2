import ssh2 from "ssh2";

/**
 * An ed25519 key pair in OpenSSH's form. ssh2 makes one in some two hundred that it cannot read again itself (17 of 3,000
 * counted); such a pair is made anew.
 *
 * @param passphrase Encrypts the private key.
 */
export function ed25519Pair(passphrase?: string): { private: string; public: string } {
  const encryption = passphrase === undefined ? undefined : { passphrase, cipher: "aes256-ctr", rounds: 4 };
  for (;;) {
    const pair = ssh2.utils.generateKeyPairSync("ed25519", encryption);
    if (
      ![ssh2.utils.parseKey(pair.private, passphrase), ssh2.utils.parseKey(pair.public)].some(
        (key) => key instanceof Error,
      )
    )
      return pair;
  }
}
