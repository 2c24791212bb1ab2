import type { X509Certificate } from "node:crypto";
import { lookFromOutside, type OutsidePatience } from "../acme/outside.ts";
import { Failure } from "../failure.ts";
import type { Host } from "../host/host.ts";
import { endpoint } from "../host/settings.ts";
import { type ActContext, run } from "../step.ts";
import type { AcmeCertificateWant } from "./acme-certificate.ts";
import { fingerprintOf } from "./acme-certificate-texts.ts";
import { backScript, settleScript } from "./acme-install-texts.ts";

/** As long as the server itself is given on the host. */
const usual: OutsidePatience = { seconds: 10, pause: 250 };

/**
 * Looks at a pair that was installed, and that the web server shows on the host itself, from the machine where the run is. Where a visitor there
 * would be shown, and believe, another certificate, the old pair is back. Where the way from here leads to nobody, or to a certificate that
 * is good for nothing, what was seen on the host decides: a firewall or a proxy in between tells nothing of the server, and the old pair would
 * mend nothing.
 *
 * @throws Failure when another certificate is shown that is good for the name
 */
export async function seeFromOutside(
  want: Pick<AcmeCertificateWant, "names" | "folder" | "port" | "unit">,
  { host, say, signal }: ActContext,
  patience = usual,
): Promise<void> {
  const { folder, port, unit } = want;
  const [name = ""] = want.names;
  const [wanted, old] = await Promise.all(["live", "before"].map((which) => chainIn(host, `${folder}/${which}`)));
  // Nobody was to show the new pair yet, or there is none.
  if (wanted === undefined || old === undefined) return;
  const settle = () =>
    host.perform([
      run("put what an earlier pair has left in order", ["sh", "-c", settleScript, "sh", folder, unit], {
        secret: false,
        survives: true,
      }),
    ]);
  // Of a run that was killed before it had changed anything.
  if (fingerprintOf(wanted) === fingerprintOf(old)) return settle();
  const itself = "The server itself shows the new one.";
  const { address } = host;
  if (address === undefined) {
    say(
      "info",
      `the new certificate of ${name} was not looked at from outside: SSH reaches ${host.name} by a jump host or a tunnel, and HTTPS does not. ${itself}`,
    );
    return settle();
  }
  const at = endpoint({ host: address, port });
  const sight = await lookFromOutside({ address, port, name }, { wanted, old }, patience, signal);
  if (sight.seen === "wanted") return settle();
  if (sight.seen === "nothing") {
    const [severity, what] = sight.answered
      ? (["warning", `${at} answers, but not with HTTPS`] as const)
      : (["info", `nobody answers at ${at}`] as const);
    say(severity, `the new certificate of ${name} was not seen from here: ${what}: ${sight.why}. ${itself}`);
    return settle();
  }
  const shown = `${sight.old ? "the old one" : "another"}: ${described(sight.certificate)}`;
  if (sight.flaw !== undefined) {
    say(
      "warning",
      `the new certificate of ${name} was not seen from here: ${at} shows ${shown}. No visitor would believe that (${sight.flaw}). ${itself} Does a proxy stand in between, or is that the address of another server?`,
    );
    return settle();
  }
  await host.perform([
    run(
      `put the old certificate of ${name} back, for ${at} shows another than the new one`,
      ["sh", "-c", backScript, "sh", folder, unit],
      { secret: false, survives: true, deadline: 120 },
    ),
  ]);
  throw new Failure({
    what: `could not install the certificate of ${name} on ${host.name}`,
    why: `seen from here, ${at} after ${patience.seconds} s shows ${shown}; the server itself showed the new one`,
    remedy: `The old certificate is back; the new one is kept for the next run, which asks for no other. Look on the server who listens at port ${port} (\`ss -tlnp\`): each must read the pair in ${folder}/live. Or does a proxy stand in between that has a copy of the old pair?`,
  });
}

async function chainIn(host: Host, folder: string): Promise<string | undefined> {
  const [file] = await host.inspect(`${folder}/fullchain.pem`, { content: 1024 * 1024 });
  return file === undefined ? undefined : new TextDecoder().decode(file.content);
}

/** `a certificate for DNS:os2mo.kommune.dk, issued by CN=CA, good until 2027-01-30T00:00:00.000Z`. Node escapes what is no printable character. */
function described({ subject, subjectAltName, issuer, validTo }: X509Certificate): string {
  // Node has none for an empty name, whatever its types say.
  const line = (text: string | undefined) => (text ?? "").split("\n").join(", ").slice(0, 200) || "nobody";
  return `a certificate for ${line(subjectAltName ?? subject)}, issued by ${line(issuer)}, good until ${new Date(validTo).toISOString()}`;
}
