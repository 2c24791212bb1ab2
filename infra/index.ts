import * as pulumi from "@pulumi/pulumi";
import { Server } from "./components/server.ts";
import { actionsConnection } from "./plugins/actions-connection.ts";
import { describeActionsPlugin } from "./plugins/announce.ts";
import { actionsPlugin } from "./plugins/in-use.ts";
import { stackSettings } from "./settings/stack.ts";

const settings = stackSettings();
void pulumi.log.info(describeActionsPlugin(actionsPlugin()));

const actions = await actionsConnection(settings.server, !pulumi.runtime.isDryRun());
const master = settings.management.salt?.login;
const masterActions = master && (await actionsConnection(master, !pulumi.runtime.isDryRun(), pulumi.getStack()));
const server = new Server("server", { settings, actions, ...(masterActions && { masterActions }) });

export const hostname = settings.server.hostname;
export const address = settings.server.host;
export const { os, size, open, openOutward, records, tunnel, managed, https, verification } = server;
