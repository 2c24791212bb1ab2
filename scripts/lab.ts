import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { defaultLab, downLab, resetHost, statusLab, upLab } from "../lab/lab.ts";
import { loginUser } from "../lab/recipe.ts";
import { shellWords, statusTable } from "../lab/show.ts";
import { runMain } from "./main.ts";
import { UsageError } from "./script-error.ts";

const usage = `Usage: npm run lab -- COMMAND [--name NAME]

  up [--net 198.18.N.0/24]   bring the lab up, or start again what is gone
  status                     say what runs, with addresses and keys
  shell HOST [-- COMMAND]    log in on dev, test, prod or vendor as ${loginUser}, with sudo (--user root: on a bare server alone)
  reset [HOST]               make one machine, or all, bare again; host keys stay
  down [--forget]            remove the lab and its disks; --forget: its keys and its subnet too

  --name NAME   which lab, default "${defaultLab}"; several can be up at once
  --json        print the state for a program (up, reset, status)
`;

await runMain(usage, async ({ args, signal }) => {
  const { values, positionals } = readArguments(args);
  const [command, host, ...remote] = positionals;
  const { name, json } = values;
  if (command === undefined) process.stdout.write(usage);
  else if (command === "up")
    show(name, await upLab({ name, signal, ...(values.net !== undefined && { net: values.net }) }), json);
  else if (command === "down") await downLab(name, { forget: values.forget });
  else if (command === "reset") show(name, await resetHost(name, host), json);
  else if (command === "status") show(name, await statusLab(name), json);
  else if (command === "shell") return shell(name, host, values.user, remote);
  else throw new UsageError(`"${command}" is not a command of the lab`);
  return 0;
});

function readArguments(args: readonly string[]) {
  return parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      name: { type: "string", default: defaultLab },
      net: { type: "string" },
      user: { type: "string", default: loginUser },
      json: { type: "boolean", default: false },
      forget: { type: "boolean", default: false },
    },
  });
}

function show(name: string, status: Awaited<ReturnType<typeof statusLab>>, json: boolean): void {
  if (json) process.stdout.write(`${JSON.stringify(status ?? { name, state: "down" }, null, 2)}\n`);
  else process.stdout.write(status ? statusTable(status) : `lab ${name} is down and was never up\n`);
}

async function shell(name: string, host: string | undefined, user: string, remote: readonly string[]): Promise<number> {
  const [program, ...args] = await shellWords(await statusLab(name), host, user, remote);
  return spawnSync(program, args, { stdio: "inherit" }).status ?? 1;
}
