import { act, run, type Step } from "../step.ts";
import type { AcmeCertificateWant } from "./acme-certificate.ts";
import { installScript, reloadScript } from "./acme-install-texts.ts";
import { seeFromOutside } from "./acme-outside.ts";

// The steps by which a pair that was got becomes what visitors are shown.

/** Makes the new pair live; the web server must show it on the host itself. */
export function installPair(want: AcmeCertificateWant, property: string): Step {
  const { unit } = want;
  return run(`install the certificate of ${want.names[0]}`, ["sh", "-c", installScript, "sh", ...wordsOf(want)], {
    property,
    secret: false,
    survives: true,
    deadline: 120,
    remedies: {
      4: `The old certificate is back. Look at \`journalctl -u ${unit}\` and \`systemctl status ${unit}\` there.`,
    },
  });
}

/** Looks at what was made live from the machine where the run is; where nothing waits to be proven, it does nothing. */
export function proveFromOutside(want: AcmeCertificateWant, property: string): Step {
  return act(`see the certificate of ${want.names[0]} from outside`, (context) => seeFromOutside(want, context), {
    property,
  });
}

/** Lets the web server read the pair that is live. */
export function reloadServer(want: AcmeCertificateWant): Step {
  const { unit } = want;
  return run(`let ${unit} read the certificate`, ["sh", "-c", reloadScript, "sh", ...wordsOf(want)], {
    property: "served",
    secret: false,
    deadline: 120,
    remedies: {
      4: `Does ${unit} read the pair, and does nothing else listen at that port? Look at \`journalctl -u ${unit}\` there.`,
    },
  });
}

/** `FOLDER NAME PORT UNIT`. */
function wordsOf({ folder, names, port, unit }: AcmeCertificateWant): string[] {
  return [folder, names[0] ?? "", String(port), unit];
}
