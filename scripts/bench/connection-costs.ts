import { dial } from "../../infra/provider/host/dial.ts";
import type { ConnectionSettings } from "../../infra/provider/host/settings.ts";
import { connect } from "../../infra/provider/host/ssh-host.ts";
import { file } from "../../infra/provider/resources/file.ts";
import { resetSlowLink, slowLinkCounts, startSlowLink, stopSlowLink } from "../../lab/slow-link.ts";
import { ScriptError } from "../script-error.ts";
import { type Part, part, repeated } from "./parts.ts";
import type { Bench } from "./peer.ts";
import { filesFolder, wantedFiles } from "./work.ts";

/** Numbers of files that are looked at on one host. */
const [few, many] = [20, 600];
const quiet = { say: () => undefined };

/** What happens between this machine and one host. */
export async function connectionCosts(bench: Bench): Promise<Part[]> {
  const [server] = bench.hosts.servers;
  if (server === undefined) return [];
  const login: ConnectionSettings = {
    host: server.addresses.v4,
    user: "deploy",
    hostKey: server.hostKey,
    privateKeyFile: server.login.privateKeyFile,
  };
  const loggedIn = await part("TCP, key exchange and log-in, one host", "our own dialling, alone", async () => {
    const began = performance.now();
    const dialled = await dial(login, quiet);
    const seconds = (performance.now() - began) / 1000;
    dialled.end();
    return seconds;
  });
  const ready = await part("the same, with sudo and our program on the host", "our own connection, alone", async () => {
    const began = performance.now();
    const host = await connect(login, quiet);
    const seconds = (performance.now() - began) / 1000;
    await host.close();
    return seconds;
  });
  await bench.hosts.put(many, "original");
  const host = await connect(login, quiet);
  const look = (count: number) => async () => {
    const began = performance.now();
    const wanted = wantedFiles(count, "original");
    await Promise.all(wanted.map(({ name }) => file.observe(host, { path: `${filesFolder}/${name}` })));
    return (performance.now() - began) / 1000;
  };
  try {
    const how = "`observe` of `File` on one connected host, all at once";
    const fewTaken = await part(`looking at ${few} files`, how, look(few));
    const manyTaken = await part(`looking at ${many} files`, how, look(many));
    return [loggedIn, ready, fewTaken, manyTaken];
  } finally {
    await host.close();
    await bench.hosts.put(few, "original");
  }
}

/** Round trips of a log-in, and of a connection that is ready for looks, over a line of 80 ms. */
export async function roundTripCosts(bench: Bench): Promise<{ login: number; ready: number }> {
  const [server] = bench.hosts.servers;
  if (server === undefined) throw new ScriptError("the lab has no server");
  const address = server.addresses.v4;
  const { name: lab } = bench.lab;
  const login = { host: address, user: "deploy", hostKey: server.hostKey, privateKeyFile: server.login.privateKeyFile };
  const counted = async () => (await slowLinkCounts(lab))[address]?.roundTrips ?? 0;
  await startSlowLink(lab, { delay: 80 });
  const onNewLine = async (open: () => Promise<() => unknown>) => {
    await new Promise((resolve) => setTimeout(resolve, 500)); // what is still on the line belongs to the one before
    await resetSlowLink(lab);
    const close = await open();
    const trips = await counted();
    await close();
    return trips;
  };
  const loggedIn = async () => {
    const dialled = await dial(login, quiet);
    return () => dialled.end();
  };
  const ready = async () => {
    const host = await connect(login, quiet);
    return () => host.close();
  };
  try {
    return {
      login: await repeated(() => onNewLine(loggedIn)),
      ready: await repeated(() => onNewLine(ready)),
    };
  } finally {
    await stopSlowLink(lab);
  }
}
