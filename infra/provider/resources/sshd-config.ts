/** Texts of sshd_config(5), for OpenSSH from 8.2 (Ubuntu 20.04) on; the keywords are those that all of them know. */

export const mainFile = "/etc/ssh/sshd_config";
export const dropInFolder = "/etc/ssh/sshd_config.d";
/** sshd takes the first value it reads, and files in the order of their names: cloud images have a 50-cloud-init.conf. */
export const dropInFile = `${dropInFolder}/10-onprem.conf`;

/** What an SSH server allows. */
export interface SshdSettings {
  permitRootLogin: "no" | "prohibit-password";
  passwordAuthentication: boolean;
  keyboardInteractive: boolean;
  allowUsers?: string[];
  allowGroups?: string[];
  maxAuthTries: number;
  loginGraceTime: number;
  clientAliveInterval: number;
  clientAliveCountMax: number;
  tcpForwarding: "no" | "local" | "remote" | "yes";
  agentForwarding: boolean;
  x11Forwarding: boolean;
  logLevel: "INFO" | "VERBOSE";
  withoutAlgorithms: string[];
  withoutHostKeys: string[];
}

/** What is never left to choose, by keyword. */
const always = {
  PubkeyAuthentication: "yes",
  PermitEmptyPasswords: "no",
  HostbasedAuthentication: "no",
  IgnoreRhosts: "yes",
  PermitUserEnvironment: "no",
  PermitTunnel: "no",
  GatewayPorts: "no",
  StrictModes: "yes",
} as const;

/** The one for keys of the host alone. */
const hostKeyList = "HostKeyAlgorithms";
/** Lists of algorithms by keyword. The name from before 8.5 for keys of users is still known to all. */
const algorithmLists = ["Ciphers", "MACs", "KexAlgorithms", hostKeyList, "PubkeyAcceptedKeyTypes"] as const;

/** Keywords that add to what other files say, where all others keep the first value. */
const adding = ["allowusers", "allowgroups"];

type Line = readonly [keyword: string, value: string];

/** The settings as lines of our file. */
function lines(settings: SshdSettings): Line[] {
  const yes = (allowed: boolean) => (allowed ? "yes" : "no");
  return [
    ...Object.entries(always),
    ["PermitRootLogin", settings.permitRootLogin],
    ["PasswordAuthentication", yes(settings.passwordAuthentication)],
    ["KbdInteractiveAuthentication", yes(settings.keyboardInteractive)],
    // Until 8.6 a second switch for the same; since then another word for it.
    ["ChallengeResponseAuthentication", yes(settings.keyboardInteractive)],
    ...(settings.allowUsers === undefined ? [] : [["AllowUsers", settings.allowUsers.join(" ")] as const]),
    ...(settings.allowGroups === undefined ? [] : [["AllowGroups", settings.allowGroups.join(" ")] as const]),
    ["MaxAuthTries", String(settings.maxAuthTries)],
    ["LoginGraceTime", String(settings.loginGraceTime)],
    ["ClientAliveInterval", String(settings.clientAliveInterval)],
    ["ClientAliveCountMax", String(settings.clientAliveCountMax)],
    ["AllowTcpForwarding", settings.tcpForwarding],
    ["AllowAgentForwarding", yes(settings.agentForwarding)],
    ["X11Forwarding", yes(settings.x11Forwarding)],
    ["LogLevel", settings.logLevel],
    // Taken away from the defaults, so that a newer sshd keeps what it can do better.
    ...algorithmLists.flatMap((list): Line[] => {
      const more = list === hostKeyList ? settings.withoutHostKeys : [];
      const without = [...settings.withoutAlgorithms, ...more];
      return without.length === 0 ? [] : [[list, `-${without.join(",")}`]];
    }),
  ];
}

/** The text of our file. */
export function dropInText(settings: SshdSettings): string {
  return ["# Managed by Pulumi.", ...lines(settings).map((line) => line.join(" ")), ""].join("\n");
}

/** What `sshd -T` says is in force. */
export interface SshdEffective extends SshdSettings {
  /** What must always be so and is not, as sshd says it: `permitemptypasswords yes`. */
  weakened: string[];
}

/**
 * From `sshd -T`: lines of a keyword in lower case and its value, some more than once.
 *
 * @param without The patterns that must match no algorithm; those that still match one are left out of the answer.
 */
export function effective(
  dump: string,
  { withoutAlgorithms: without, withoutHostKeys }: Pick<SshdSettings, "withoutAlgorithms" | "withoutHostKeys">,
): SshdEffective {
  const values = new Map<string, string[]>();
  for (const line of dump.split("\n").filter(Boolean)) {
    const [, keyword = "", value = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    values.set(keyword, [...(values.get(keyword) ?? []), value]);
  }
  const one = (keyword: string) => values.get(keyword)?.[0] ?? "";
  const yes = (...keywords: string[]) => keywords.some((keyword) => one(keyword) === "yes");
  const all = (keyword: string) =>
    values.has(keyword) ? { list: [...new Set(values.get(keyword))].sort() } : undefined;
  const [users, groups] = [all("allowusers"), all("allowgroups")];
  const algorithms = [...algorithmLists, "PubkeyAcceptedAlgorithms"].flatMap((list) =>
    one(list.toLowerCase()).split(","),
  );
  const hostKeys = one(hostKeyList.toLowerCase()).split(",");
  return {
    permitRootLogin: canonical(one("permitrootlogin")) as SshdSettings["permitRootLogin"],
    passwordAuthentication: yes("passwordauthentication"),
    keyboardInteractive: yes("kbdinteractiveauthentication", "challengeresponseauthentication"),
    ...(users && { allowUsers: users.list }),
    ...(groups && { allowGroups: groups.list }),
    maxAuthTries: Number(one("maxauthtries")),
    loginGraceTime: Number(one("logingracetime")),
    clientAliveInterval: Number(one("clientaliveinterval")),
    clientAliveCountMax: Number(one("clientalivecountmax")),
    tcpForwarding: one("allowtcpforwarding") as SshdSettings["tcpForwarding"],
    agentForwarding: yes("allowagentforwarding"),
    x11Forwarding: yes("x11forwarding"),
    logLevel: one("loglevel") as SshdSettings["logLevel"],
    withoutAlgorithms: without.filter((pattern) => !algorithms.some((algorithm) => matches(algorithm, pattern))),
    withoutHostKeys: withoutHostKeys.filter((pattern) => !hostKeys.some((algorithm) => matches(algorithm, pattern))),
    weakened: Object.entries(always)
      .filter(([keyword, value]) => one(keyword.toLowerCase()) !== value)
      .map(([keyword]) => `${keyword.toLowerCase()} ${one(keyword.toLowerCase())}`),
  };
}

/** A pattern of ssh_config(5), "PATTERNS": `*` and `?`. */
function matches(word: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`).test(word);
}

/** A line of another file about something that we set. */
export interface OtherLine {
  /** Where it stands: `/etc/ssh/sshd_config:12`. */
  at: string;
  /** The Match block that it stands in: `user backup`. */
  match?: string;
  keyword: string;
  value: string;
}

/** What other files say about what we set, as far as it comes before us or holds for some connections. */
export interface OtherFiles {
  /** Whether the main file reads our folder, for every connection. */
  included: boolean;
  others: OtherLine[];
}

/**
 * Reads the main file and the folder's files the way sshd does: the first value wins, but what a Match block says wins
 * over all of them, wherever it stands.
 */
export function otherFiles(main: string, folder: readonly { path: string; text: string }[]): OtherFiles {
  const names = [...Object.keys(always), ...algorithmLists].map((name) => name.toLowerCase());
  const ours = new Set([...names, ...settable]);
  const others: OtherLine[] = [];
  let included = false;
  /** @param late Whether sshd has read our file before it comes to a line. */
  const read = (path: string, text: string, late: () => boolean) => {
    let match: string | undefined;
    for (const [index, line] of text.split("\n").entries()) {
      const [, word = "", value = ""] = /^\s*"?([A-Za-z0-9]+)"?(?:\s*=\s*|\s+)(.*?)\s*$/.exec(line) ?? [];
      const keyword = word.toLowerCase();
      if (keyword === "match") match = value.toLowerCase();
      if (match === undefined && path === mainFile && keyword === "include") {
        included ||= value.split(/\s+/).some(isOurFolder);
      }
      const overruled = match === undefined && late() && !adding.includes(keyword);
      if (!ours.has(keyword) || overruled) continue;
      const some = match === undefined || match === "all" ? {} : { match };
      others.push({ at: `${path}:${index + 1}`, ...some, keyword, value });
    }
  };
  read(mainFile, main, () => included);
  for (const { path, text } of folder.filter(({ path }) => path !== dropInFile && path.endsWith(".conf"))) {
    read(path, text, () => path > dropInFile);
  }
  return { included, others };
}

const settable = [
  "permitrootlogin",
  "passwordauthentication",
  "kbdinteractiveauthentication",
  "challengeresponseauthentication",
  ...adding,
  "maxauthtries",
  "logingracetime",
  "clientaliveinterval",
  "clientalivecountmax",
  "allowtcpforwarding",
  "allowagentforwarding",
  "x11forwarding",
  "loglevel",
];

function isOurFolder(pattern: string): boolean {
  return [`${dropInFolder}/*.conf`, "sshd_config.d/*.conf"].includes(pattern.replace(/^"|"$/g, ""));
}

/**
 * The lines of other files that say otherwise than the settings, as `place: line`. Lists of algorithms are left out: only
 * sshd can tell what they come to, and what it says is compared anyway.
 */
export function contradictions(
  settings: SshdSettings,
  others: readonly OtherLine[],
): { always: string[]; sometimes: string[] } {
  const wanted = new Map(lines(settings).map(([keyword, value]) => [keyword.toLowerCase(), value]));
  const lists: string[] = algorithmLists.map((list) => list.toLowerCase());
  const differ = others.filter(({ keyword, value }) => {
    const want = wanted.get(keyword);
    return want !== undefined && !lists.includes(keyword) && canonical(value) !== canonical(want);
  });
  const shown = ({ at, match, keyword, value }: OtherLine) =>
    `${at}: ${keyword} ${value}${match === undefined ? "" : ` (for ${match})`}`;
  return {
    always: differ.filter(({ match }) => match === undefined).map(shown),
    sometimes: differ.filter(({ match }) => match !== undefined).map(shown),
  };
}

const unit: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

/** One form for one meaning: an older name of the same, and times such as `2m` (sshd_config(5), "TIME FORMATS"). */
function canonical(value: string): string {
  const word = value.replace(/^"(.*)"$/, "$1").toLowerCase();
  if (word === "without-password") return "prohibit-password";
  const [, number, letter = "s"] = /^(\d+)([smh])?$/.exec(word) ?? [];
  return number === undefined ? word : String(Number(number) * (unit[letter] ?? 1));
}
