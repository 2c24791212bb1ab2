import { createRequire } from "node:module";
import * as grpc from "@grpc/grpc-js";
import { type Difference, differences } from "./difference.ts";
import { reason } from "./failure.ts";
import type { Say } from "./host/host.ts";
import { type Checked, type Diff, Incomplete, type Plugin } from "./plugin.ts";
import { propertyPath } from "./problems.ts";
import { type Bag, decode, encode } from "./values.ts";

/**
 * Pulumi's provider protocol (pulumi/proto/pulumi/provider.proto) <-> `Plugin`. Nothing else knows the protocol.
 *
 * The service is served directly because `@pulumi/pulumi/provider` leaves out provider configuration, previews and
 * detailed diffs. The generated messages are CommonJS without useful types, hence `any` in this file and no other.
 */

const require = createRequire(import.meta.url);
const messages: any = require("@pulumi/pulumi/proto/provider_pb.js");
const { ResourceProviderService }: any = require("@pulumi/pulumi/proto/provider_grpc_pb.js");
const { PluginInfo }: any = require("@pulumi/pulumi/proto/plugin_pb.js");
const { EngineClient }: any = require("@pulumi/pulumi/proto/engine_grpc_pb.js");
const { LogRequest, LogSeverity }: any = require("@pulumi/pulumi/proto/engine_pb.js");
const { Status }: any = require("@pulumi/pulumi/proto/status_pb.js");
const { Any }: any = require("google-protobuf/google/protobuf/any_pb.js");
const { Empty }: any = require("google-protobuf/google/protobuf/empty_pb.js");
const { Struct }: any = require("google-protobuf/google/protobuf/struct_pb.js");

/** The engine sends and takes messages up to this many bytes (400 MiB, as its own plugins do). */
const maxMessage = 400 * 1024 * 1024;

/**
 * Serves a plugin to the engine that started this process: prints the port on standard output, as the engine expects,
 * and ends when the engine does.
 *
 * @param engine Address of the engine's own service, the plugin's last argument; messages to the user go there.
 */
export async function serve(plugin: Plugin, engine: string | undefined): Promise<void> {
  const { port } = await listen(plugin, engine);
  process.stdout.write(`${port}\n`);
  endWithEngine(plugin);
}

/** Serves a plugin on a free port of 127.0.0.1. */
export async function listen(plugin: Plugin, engine: string | undefined): Promise<{ port: number; stop(): void }> {
  const server = new grpc.Server({
    "grpc.max_receive_message_length": maxMessage,
    "grpc.max_send_message_length": maxMessage,
  });
  const client = engine === undefined ? undefined : new EngineClient(engine, grpc.credentials.createInsecure());
  server.addService(ResourceProviderService, service(plugin, sayer(client)));
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    );
  });
  const stop = () => {
    client?.close();
    server.forceShutdown();
  };
  return { port, stop };
}

/** An engine that was killed cannot tell its plugins; its death shows as a new parent of this process. */
function endWithEngine(plugin: Plugin): void {
  const engine = process.ppid;
  setInterval(() => {
    if (process.ppid === engine) return;
    plugin.cancel();
    setTimeout(() => process.exit(1), 500);
  }, 1000).unref();
}

function sayer(client: any): (urn: string) => Say {
  return (urn) => (severity, message) => {
    if (client === undefined) return;
    const request = new LogRequest();
    request.setSeverity(severity === "info" ? LogSeverity.INFO : LogSeverity.WARNING);
    request.setMessage(message);
    request.setUrn(urn);
    client.log(request, () => undefined);
  };
}

function service(plugin: Plugin, sayTo: (urn: string) => Say): grpc.UntypedServiceImplementation {
  const call = (request: any) => ({
    urn: request.getUrn() as string,
    name: nameOf(request.getUrn()),
    say: sayTo(request.getUrn()),
    timeout: request.getTimeout?.() ?? 0,
  });
  const known = (request: any, inputs: any, outputs: any) => ({
    ...call(request),
    id: request.getId() as string,
    inputs: bag(inputs),
    outputs: bag(outputs),
  });

  return {
    getPluginInfo: answer(() => filled(new PluginInfo(), { Version: plugin.version })),
    getSchema: answer(async () => filled(new messages.GetSchemaResponse(), { Schema: await plugin.schema() })),
    checkConfig: answer(async (request) => checked(await plugin.checkConfig(bag(request.getNews())))),
    diffConfig: answer((request) =>
      configDiff(bag(request.getOldInputs() ?? request.getOlds()), bag(request.getNews())),
    ),
    configure: answer(async (request) => {
      await plugin.configure(bag(request.getArgs()), sayTo(""));
      return filled(new messages.ConfigureResponse(), { Acceptsecrets: true, Supportspreview: true });
    }),
    check: answer(async (request) => checked(await plugin.check(typeOf(request.getUrn()), bag(request.getNews())))),
    diff: answer(async (request) => {
      const inputs = bag(request.getNews());
      const change = {
        ...call(request),
        id: request.getId(),
        outputs: bag(request.getOlds()),
        oldInputs: bag(request.getOldInputs()),
        inputs,
      };
      return diffed(await plugin.diff(typeOf(request.getUrn()), change));
    }),
    create: answer(async (request) => {
      const creation = { ...call(request), inputs: bag(request.getProperties()), preview: request.getPreview() };
      const made = await plugin.create(typeOf(request.getUrn()), creation);
      return filled(new messages.CreateResponse(), { Id: made.id, Properties: struct(made.outputs) });
    }),
    read: answer(async (request) => {
      const read = await plugin.read(
        typeOf(request.getUrn()),
        known(request, request.getInputs(), request.getProperties()),
      );
      const response = new messages.ReadResponse();
      if (read === undefined) return response;
      return filled(response, { Id: read.id, Inputs: struct(read.inputs), Properties: struct(read.outputs) });
    }),
    update: answer(async (request) => {
      const update = {
        ...known(request, request.getNews(), request.getOlds()),
        oldInputs: bag(request.getOldInputs()),
        preview: request.getPreview(),
      };
      const updated = await plugin.update(typeOf(request.getUrn()), update);
      return filled(new messages.UpdateResponse(), { Properties: struct(updated.outputs) });
    }),
    delete: answer(async (request) => {
      await plugin.remove(typeOf(request.getUrn()), known(request, request.getOldInputs(), request.getProperties()));
      return new Empty();
    }),
    cancel: answer(() => {
      plugin.cancel();
      return new Empty();
    }),
    invoke: answer((request) => {
      throw plugin.missing(request.getTok());
    }),
  };
}

/** One call of the service: errors of the plugin become gRPC errors that the engine shows as they read. */
function answer(handle: (request: any) => any): grpc.handleUnaryCall<any, any> {
  return async (call, callback) => {
    try {
      callback(null, await handle(call.request));
    } catch (error) {
      callback(rpcError(error));
    }
  };
}

function rpcError(error: unknown): grpc.ServiceError {
  const metadata = new grpc.Metadata();
  if (error instanceof Incomplete) metadata.add("grpc-status-details-bin", partialState(error));
  const base = { code: grpc.status.UNKNOWN, details: reason(error), metadata };
  return Object.assign(new Error(reason(error)), base);
}

/** The detail by which the engine keeps the state of a resource whose creation or update failed half-way. */
function partialState(error: Incomplete): Buffer {
  const detail = filled(new messages.ErrorResourceInitFailed(), {
    Id: error.id,
    Properties: struct(error.outputs),
    Inputs: struct(error.inputs),
    ReasonsList: [error.message],
  });
  const any = new Any();
  any.pack(detail.serializeBinary(), "pulumirpc.ErrorResourceInitFailed");
  const status = filled(new Status(), { Code: grpc.status.UNKNOWN, Message: error.message });
  status.addDetails(any);
  return Buffer.from(status.serializeBinary());
}

function checked({ inputs, problems }: Checked): any {
  const failures = problems.map(({ property, reason }) =>
    filled(new messages.CheckFailure(), { Property: property, Reason: reason }),
  );
  return filled(new messages.CheckResponse(), { Inputs: struct(inputs), FailuresList: failures });
}

/** A provider is never replaced: another address or key still means the same server. */
function configDiff(before: Bag, after: Bag): any {
  const changed = topLevel(differences(before.values, after.values));
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  return filled(new messages.DiffResponse(), {
    Changes: changed.length > 0 ? DIFF_SOME : DIFF_NONE,
    DiffsList: changed,
  });
}

function diffed({ differences: found, replaces, createFirst = false }: Diff): any {
  const { DIFF_NONE, DIFF_SOME } = messages.DiffResponse.DiffChanges;
  const { Kind } = messages.PropertyDiff;
  const kinds = { add: Kind.ADD, delete: Kind.DELETE, update: Kind.UPDATE };
  const replacing = { add: Kind.ADD_REPLACE, delete: Kind.DELETE_REPLACE, update: Kind.UPDATE_REPLACE };
  const response = filled(new messages.DiffResponse(), {
    Changes: found.length > 0 ? DIFF_SOME : DIFF_NONE,
    DiffsList: topLevel(found),
    ReplacesList: replaces,
    // An id may stay the same over a replacement; deleting second would then delete what was just made.
    Deletebeforereplace: !createFirst,
    Hasdetaileddiff: true,
  });
  for (const { path, change } of found) {
    const kind = (replaces.includes(String(path[0])) ? replacing : kinds)[change];
    const detail = filled(new messages.PropertyDiff(), { Kind: kind, Inputdiff: true });
    response.getDetaileddiffMap().set(propertyPath(path), detail);
  }
  return response;
}

function topLevel(found: readonly Difference[]): string[] {
  return [...new Set(found.map(({ path }) => String(path[0])))];
}

/** Sets fields of a generated message by the names of its setters. */
function filled(message: any, fields: Record<string, unknown>): any {
  for (const [field, value] of Object.entries(fields)) message[`set${field}`](value);
  return message;
}

function bag(wire: any): Bag {
  return decode(wire?.toJavaScript());
}

function struct(values: Bag): any {
  return Struct.fromJavaScript(encode(values));
}

/** `urn:pulumi:stack::project::parent$type::name`. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
