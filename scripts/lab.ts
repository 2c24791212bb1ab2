import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { defaultLab, downLab, LabError, resetHost, statusLab, upLab } from "../lab/lab.ts";
import { shellWords, statusTable } from "../lab/show.ts";
import { runMain } from "./main.ts";

const usage = `Usage: npm run lab -- COMMAND [--name NAME]

  up [--net 198.18.N.0/24]   bring the lab up, or start again what is gone
  status                     say what runs, with addresses and keys
  shell HOST [-- COMMAND]    log in on dev, test, prod or vendor as root (--user deploy: as deploy)
  reset [HOST]               make one machine, or all, bare again; host keys stay
  down [--forget]            remove the lab and its disks; --forget: its keys and its subnet too

  --name NAME   which lab, default "${defaultLab}"; several can be up at once
  --json        print the state for a program (up, reset, status)
`;

const { values, positionals } = readArguments();
const [command, ...rest] = positionals;
const lab = values.name;

await runMain(async ({ signal }) => {
  if (values.help || command === undefined) process.stdout.write(usage);
  else if (command === "up")
    show(await upLab({ name: lab, signal, ...(values.net !== undefined && { net: values.net }) }));
  else if (command === "down") await downLab(lab, { forget: values.forget });
  else if (command === "reset") show(await resetHost(lab, rest[0]));
  else if (command === "status") show(await statusLab(lab));
  else if (command === "shell") return shell(rest[0], rest.slice(1));
  else throw new LabError(`"${command}" is not a command of the lab`, "it has up, down, reset, status and shell");
  return 0;
});

function readArguments() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        name: { type: "string", default: defaultLab },
        net: { type: "string" },
        user: { type: "string", default: "root" },
        json: { type: "boolean", default: false },
        forget: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`);
    process.exit(2);
  }
}

function show(status: Awaited<ReturnType<typeof statusLab>>): void {
  if (values.json) process.stdout.write(`${JSON.stringify(status ?? { name: lab, state: "down" }, null, 2)}\n`);
  else process.stdout.write(status ? statusTable(status) : `lab ${lab} is down and was never up\n`);
}

async function shell(host: string | undefined, remote: readonly string[]): Promise<number> {
  const [program, ...args] = await shellWords(await statusLab(lab), host, values.user, remote);
  return spawnSync(program, args, { stdio: "inherit" }).status ?? 1;
}
