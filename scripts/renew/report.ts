/** What a stack's state says of one certificate, after a run. */
export interface CertificateState {
  readonly names: readonly string[];
  readonly issuer: string;
  /** Empty where there is none that can be read: of a first one that has not come yet, for example. */
  readonly serial: string;
  /** ISO 8601, each. */
  readonly notBefore: string;
  readonly notAfter: string;
  readonly renewAt: string;
  /** Why then. */
  readonly renewal: string;
  readonly served: string;
  readonly problems: readonly string[];
}

/** What came of one stack. */
export interface StackResult {
  readonly stack: string;
  /** Whether its file has `https.acme`: then it must have a certificate. */
  readonly declared: boolean;
  /** Of before the run, by the names, so that a renewal is told. */
  readonly before: readonly CertificateState[];
  readonly after: readonly CertificateState[];
  /** What the run said when it failed. */
  readonly errors: readonly string[];
  /** What it said besides: why a renewal failed that has time left, for one. */
  readonly warnings: readonly string[];
}

/** One certificate, for a report. */
export interface Row {
  readonly stack: string;
  readonly names: readonly string[];
  /** Whether there is one. */
  readonly exists: boolean;
  readonly renewed: boolean;
  readonly notAfter: string;
  readonly renewAt: string;
  /** Of its life that is left, 0 to 1. */
  readonly left: number;
  /** Whether somebody must look: under a third of its life is left, or something is wrong with it. */
  readonly alarm: boolean;
  readonly why: string;
}

const type = "onprem:acme:AcmeCertificate";

/** The certificates in a state that `pulumi stack export` gives. */
export function certificatesIn(exported: string): CertificateState[] {
  const { deployment } = JSON.parse(exported) as {
    deployment?: {
      resources?: { type: string; delete?: boolean; inputs?: { names?: string[] }; outputs?: CertificateState }[];
    };
  };
  return (deployment?.resources ?? [])
    .filter((resource) => resource.type === type && !resource.delete)
    .flatMap(({ inputs, outputs }) => {
      if (outputs === undefined) return [];
      return [outputs.serial === "" ? { ...outputs, names: inputs?.names ?? [] } : outputs];
    });
}

/** What to tell of a stack's certificates. Pure. */
export function rowsOf({ stack, before, after }: StackResult, now: Date): Row[] {
  return after.map((certificate) => {
    const { names, serial, notBefore, notAfter, renewAt, renewal, problems, served } = certificate;
    const [from, to] = [Date.parse(notBefore), Date.parse(notAfter)];
    const left = Math.min(Math.max((to - now.getTime()) / (to - from), 0), 1);
    const exists = serial !== "";
    const short = exists && left < 1 / 3;
    const wrong = [...problems, ...(served === "another" ? ["the web server shows another certificate"] : [])];
    const old = before.find((one) => one.names.join() === names.join());
    return {
      stack,
      names,
      exists,
      renewed: exists && old?.serial !== serial,
      notAfter,
      renewAt,
      left,
      alarm: !exists || short || wrong.length > 0,
      why: [...wrong, ...(short ? ["under a third of its life is left"] : []), ...(exists ? [renewal] : [])].join("; "),
    };
  });
}

/** The report for people: a line for each certificate, and what went wrong. */
export function reportLines(results: readonly StackResult[], now: Date): string[] {
  const day = (iso: string) => iso.slice(0, 16).replace("T", " ");
  const lines = results.flatMap((result) => [
    ...rowsOf(result, now).map(
      ({ stack, names, exists, renewed, notAfter, left, alarm, why }) =>
        `${alarm ? "LOOK  " : "ok    "}  ${stack.padEnd(12)}  ${names.join(", ")}  ${exists ? `until ${day(notAfter)} UTC, ${Math.floor(left * 100)} % left${renewed ? ", new" : ""}` : "has none"}: ${why}`,
    ),
    ...(result.after.length === 0 && result.errors.length === 0
      ? [`${result.declared ? "NONE  " : "      "}  ${result.stack.padEnd(12)}  ${noCertificate(result)}`]
      : []),
    ...result.errors.map((error) => told("FAILED", result, error)),
    ...result.warnings.map((warning) => told("warned", result, warning)),
  ]);
  const bad = results.filter((result) => isBad(result, now)).length;
  return [
    ...lines,
    bad === 0 ? "all certificates are in time" : `${bad} of ${results.length} stacks need somebody to look`,
  ];
}

function told(word: string, { stack }: StackResult, text: string): string {
  return `${word}  ${stack.padEnd(12)}  ${text.trim().replaceAll("\n", "\n          ")}`;
}

function noCertificate({ stack, declared }: StackResult): string {
  return declared
    ? `https.acme is declared, and there is no certificate: \`npm run pulumi -- up -s ${stack}\` gets one`
    : "has no certificate";
}

/** Whether somebody must look at a stack. */
export function isBad(result: StackResult, now: Date): boolean {
  if (result.declared && result.after.length === 0) return true;
  return result.errors.length > 0 || rowsOf(result, now).some(({ alarm }) => alarm);
}
