import { createRequire } from "node:module";
import { type Difference, differences } from "./difference.ts";
import { reason } from "./failure.ts";
import type { Say } from "./host/host.ts";
import { type Checked, type Diff, Incomplete, type Known, type Plugin } from "./plugin.ts";
import { propertyPath } from "./problems.ts";
import { type Answer, CallFailed, grpcStatus, serveCalls } from "./protocol/grpc.ts";
import * as messages from "./protocol/messages.ts";
import { type Message, read, write } from "./protocol/wire.ts";
import { type Bag, decode, encode } from "./values.ts";

/**
 * Pulumi's provider protocol (pulumi/proto/pulumi/provider.proto) <-> `Plugin`. Nothing else knows the protocol.
 *
 * The service is served directly because `@pulumi/pulumi/provider` leaves out provider configuration, previews and
 * detailed diffs.
 */

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
  const log = engine === undefined ? undefined : engineLog(engine);
  const { port, stop } = await serveCalls(service(plugin, sayer(log)), maxMessage);
  return {
    port,
    stop() {
      log?.close();
      stop();
    },
  };
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

/** The engine's own service, which shows messages to the user. Loaded when there is something to say: few runs have that. */
function engineLog(engine: string): { send(severity: number, message: string, urn: string): void; close(): void } {
  const require = createRequire(import.meta.url);
  const connect = () => {
    const { credentials } = require("@grpc/grpc-js") as typeof import("@grpc/grpc-js");
    const { EngineClient } = require("@pulumi/pulumi/proto/engine_grpc_pb.js") as Generated<
      "EngineClient",
      EngineClient
    >;
    return new EngineClient(engine, credentials.createInsecure());
  };
  let client: EngineClient | undefined;
  return {
    send(severity, message, urn) {
      client ??= connect();
      const { LogRequest } = require("@pulumi/pulumi/proto/engine_pb.js") as Generated<"LogRequest", LogRequest>;
      const request = new LogRequest();
      request.setSeverity(severity);
      request.setMessage(message);
      request.setUrn(urn);
      client.log(request, () => undefined);
    },
    close: () => client?.close(),
  };
}

/** What the SDK generated: CommonJS without types of its own. */
type Generated<Name extends string, Instance> = Readonly<Record<Name, new (...words: unknown[]) => Instance>>;
interface EngineClient {
  log(request: LogRequest, done: () => void): void;
  close(): void;
}
interface LogRequest {
  setSeverity(severity: number): void;
  setMessage(message: string): void;
  setUrn(urn: string): void;
}

/** `LogSeverity` of pulumi/proto/pulumi/engine.proto. */
const severities = { info: 1, warning: 2 } as const;

function sayer(log: ReturnType<typeof engineLog> | undefined): (urn: string) => Say {
  return (urn) => (severity, message) => log?.send(severities[severity], message, urn);
}

function service(plugin: Plugin, sayTo: (urn: string) => Say): ReadonlyMap<string, Answer> {
  const call = (request: Message) => ({
    name: nameOf(text(request.urn)),
    say: sayTo(text(request.urn)),
    timeout: (request.timeout as number | undefined) ?? 0,
  });
  const known = (request: Message, inputs: unknown, outputs: unknown): Known => ({
    ...call(request),
    id: text(request.id),
    inputs: bag(inputs),
    outputs: bag(outputs),
  });

  const methods: Readonly<Record<string, Answer>> = {
    GetPluginInfo: answer(messages.empty, messages.pluginInfo, () => ({ version: plugin.version })),
    GetSchema: answer(messages.empty, messages.schemaResponse, async () => ({ schema: await plugin.schema() })),
    CheckConfig: answer(messages.checkRequest, messages.checkResponse, async ({ news }) =>
      checked(await plugin.checkConfig(bag(news))),
    ),
    DiffConfig: answer(messages.diffRequest, messages.diffResponse, ({ oldInputs, olds, news }) =>
      configDiff(bag(oldInputs ?? olds), bag(news)),
    ),
    Configure: answer(messages.configureRequest, messages.configureResponse, async ({ args }) => {
      await plugin.configure(bag(args), sayTo(""));
      return { acceptSecrets: true, supportsPreview: true };
    }),
    Check: answer(messages.checkRequest, messages.checkResponse, async ({ urn, news }) =>
      checked(await plugin.check(typeOf(text(urn)), bag(news))),
    ),
    Diff: answer(messages.diffRequest, messages.diffResponse, async (request) => {
      const { olds, oldInputs, news } = request;
      const change = {
        ...call(request),
        id: text(request.id),
        outputs: bag(olds),
        oldInputs: bag(oldInputs),
        inputs: bag(news),
      };
      return diffed(await plugin.diff(typeOf(text(request.urn)), change));
    }),
    Create: answer(messages.createRequest, messages.createResponse, async (request) => {
      const creation = { ...call(request), inputs: bag(request.properties), preview: request.preview === true };
      const made = await plugin.create(typeOf(text(request.urn)), creation);
      return { id: made.id, properties: encode(made.outputs) };
    }),
    Read: answer(messages.readRequest, messages.readResponse, async (request) => {
      const asked = known(request, request.inputs, request.properties);
      const found = await plugin.read(typeOf(text(request.urn)), asked);
      if (found === undefined) return {};
      return { id: found.id, inputs: encode(found.inputs), properties: encode(found.outputs) };
    }),
    Update: answer(messages.updateRequest, messages.updateResponse, async (request) => {
      const update = {
        ...known(request, request.news, request.olds),
        oldInputs: bag(request.oldInputs),
        preview: request.preview === true,
      };
      const updated = await plugin.update(typeOf(text(request.urn)), update);
      return { properties: encode(updated.outputs) };
    }),
    Delete: answer(messages.deleteRequest, messages.empty, async (request) => {
      await plugin.remove(typeOf(text(request.urn)), known(request, request.oldInputs, request.properties));
      return {};
    }),
    Cancel: answer(messages.empty, messages.empty, () => {
      plugin.cancel();
      return {};
    }),
    Invoke: answer(messages.invokeRequest, messages.empty, ({ token }) => {
      throw plugin.missing(text(token));
    }),
  };
  return new Map(Object.entries(methods).map(([name, answer]) => [`/pulumirpc.ResourceProvider/${name}`, answer]));
}

/** One call of the service: errors of the plugin become gRPC errors that the engine shows as they read. */
function answer(
  request: messages.Shape,
  response: messages.Shape,
  handle: (request: Message) => Message | Promise<Message>,
): Answer {
  return async (bytes) => {
    try {
      return write(response, await handle(read(request, bytes)));
    } catch (error) {
      const details = error instanceof Incomplete ? partialState(error) : undefined;
      throw new CallFailed(grpcStatus.unknown, reason(error), details, { cause: error });
    }
  };
}

/** The detail by which the engine keeps the state of a resource whose creation or update failed half-way. */
function partialState(error: Incomplete): Uint8Array {
  const detail = write(messages.initFailed, {
    id: error.id,
    properties: encode(error.outputs),
    inputs: encode(error.inputs),
    reasons: [error.message],
  });
  const details = [{ type: "type.googleapis.com/pulumirpc.ErrorResourceInitFailed", value: detail }];
  return write(messages.status, { code: grpcStatus.unknown, message: error.message, details });
}

function checked({ inputs, problems }: Checked): Message {
  return { inputs: encode(inputs), failures: problems };
}

/** A provider is never replaced: another address or key still means the same server. */
function configDiff(before: Bag, after: Bag): Message {
  const changed = topLevel(differences(before.values, after.values));
  return { changes: changed.length > 0 ? messages.changes.some : messages.changes.none, diffs: changed };
}

function diffed({ differences: found, replaces, createFirst = false }: Diff): Message {
  const detail = ({ path, change }: Difference) => {
    const kinds = replaces.includes(String(path[0])) ? messages.replacingKinds : messages.diffKinds;
    return { key: propertyPath(path), value: [{ kind: kinds[change], inputDiff: true }] };
  };
  return {
    changes: found.length > 0 ? messages.changes.some : messages.changes.none,
    diffs: topLevel(found),
    replaces,
    // An id may stay the same over a replacement; deleting second would then delete what was just made.
    deleteBeforeReplace: !createFirst,
    hasDetailedDiff: true,
    detailedDiff: found.map(detail),
  };
}

function topLevel(found: readonly Difference[]): string[] {
  return [...new Set(found.map(({ path }) => String(path[0])))];
}

function bag(wire: unknown): Bag {
  return decode(wire as Record<string, unknown> | undefined);
}

function text(field: unknown): string {
  return typeof field === "string" ? field : "";
}

/** `urn:pulumi:stack::project::parent$type::name`. */
function typeOf(urn: string): string {
  return urn.split("::")[2]?.split("$").at(-1) ?? "";
}

function nameOf(urn: string): string {
  return urn.split("::").slice(3).join("::");
}
