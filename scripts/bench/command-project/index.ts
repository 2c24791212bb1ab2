import { readFileSync } from "node:fs";
import { remote } from "@pulumi/command";
import { secret } from "@pulumi/pulumi";
import type { Program } from "../onprem-project/index.ts";

const { servers, folder, files } = JSON.parse(readFileSync(process.env.BENCH_PROGRAM ?? "", "utf8")) as Program;

for (const { label, host, user = "root", hostKey, privateKeyFile = "" } of servers) {
  const privateKey = secret(readFileSync(privateKeyFile, "utf8"));
  const connection = { host, user, privateKey, hostKey };
  const parent = new remote.Command(`${label}-folder`, {
    connection,
    create: `sudo mkdir -p ${folder}`,
    delete: `sudo rmdir ${folder}`,
  });
  for (const { name, content, owner, group, mode } of files) {
    const path = `${folder}/${name}`;
    const write = `sudo install -o ${owner} -g ${group} -m ${mode} /dev/stdin ${path}`;
    new remote.Command(
      `${label}-${name}`,
      { connection, create: write, update: write, delete: `sudo rm -f ${path}`, stdin: content },
      { dependsOn: parent },
    );
  }
}
