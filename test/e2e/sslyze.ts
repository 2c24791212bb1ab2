import { finish } from "../../scripts/command.ts";
import { pythonTool } from "./python-tool.ts";

/** The version that docs/https.md names. */
export const sslyzeVersion = "6.3.1";

/** All that it needs, so that the same text comes out next year. */
const packages = {
  sslyze: sslyzeVersion,
  "annotated-types": "0.8.0",
  cffi: "2.1.1",
  cryptography: "46.0.7",
  nassl: "5.4.0",
  pycparser: "3.12",
  pydantic: "2.14.4",
  "pydantic-core": "2.50.5",
  "tls-parser": "2.0.2",
  "typing-extensions": "4.16.0",
  "typing-inspection": "0.4.5",
};

/** What sslyze says of a server, as far as it is no praise. */
export interface Judgement {
  /** Where the server is not as Mozilla's intermediate configuration asks. */
  readonly deviations: readonly string[];
  /** Lines that warn, or that say what failed or is vulnerable; those about trust aside, where one CA file is given. */
  readonly complaints: readonly string[];
  /** What the server does not do, under the heading that it stands below. */
  readonly without: readonly string[];
}

/** Asks sslyze, from PyPI and kept in the cache, what it has against the server of a name. @param ca Path of the CA to believe. */
export async function sslyze(hostname: string, address: string, ca: string): Promise<Judgement> {
  const options = [
    "--mozilla_config=intermediate",
    `--certinfo_ca_file=${ca}`,
    "--http_headers",
    "--early_data",
    "--resum",
  ];
  const words = [await pythonTool("sslyze", packages, 180), ...options, `${hostname}:443{${address}}`] as const;
  const { stdout, stderr } = await finish(words, { timeout: 120 });
  const [scan = "", compliance = ""] = stdout.split("COMPLIANCE AGAINST TLS CONFIGURATION");
  if (!/: (OK - Compliant|FAILED)/.test(compliance))
    throw new Error(`sslyze did not judge ${hostname}: ${stdout}${stderr}`);
  const lines = headed(scan).filter(({ line }) => !/^\S.* CA Store \(/.test(line));
  const those = (pattern: RegExp) => lines.filter(({ line }) => pattern.test(line));
  return {
    deviations: [...compliance.matchAll(/^ +\* (.*)$/gm)].map(([, said = ""]) => said),
    complaints: those(/\b(FAILED|VULNERABLE|WARNING|ERROR)\b/).map(({ line }) => line),
    without: those(/NOT SUPPORTED/i)
      .filter(({ line }) => !/\bOK - /.test(line))
      .map(({ heading, line }) => [heading, line.replace(/:? *NOT SUPPORTED.*/i, "")].filter(Boolean).join(": ")),
  };
}

/** Each line with the nearest heading above it, which ends in a colon or stands less deep. */
function headed(text: string): { heading: string; line: string }[] {
  let heading = "";
  return text.split("\n").flatMap((raw) => {
    const title = /^ \* (.*?):?$/.exec(raw)?.[1] ?? /^ {5}(\w[\w ]*)$/.exec(raw)?.[1];
    if (title !== undefined) heading = title;
    return title === undefined && raw.trim() !== "" ? [{ heading, line: raw.trim() }] : [];
  });
}
