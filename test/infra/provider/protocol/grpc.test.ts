import * as grpc from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Answer, CallFailed, serveCalls } from "../../../../infra/provider/protocol/grpc.ts";

const longest = 8 * 1024 * 1024;

let answer: Answer;
let served: Awaited<ReturnType<typeof serveCalls>>;
let client: grpc.Client;

beforeEach(async () => {
  answer = async (request) => request;
  served = await serveCalls(new Map([["/test.Service/Call", (request: Buffer) => answer(request)]]), longest);
  client = new grpc.Client(`127.0.0.1:${served.port}`, grpc.credentials.createInsecure(), {
    "grpc.max_send_message_length": -1,
    "grpc.max_receive_message_length": -1,
    "grpc-node.max_session_memory": Number.MAX_SAFE_INTEGER,
  });
});
afterEach(() => {
  client.close();
  served.stop();
});

function call(bytes: Buffer, method = "/test.Service/Call"): Promise<Buffer> {
  const same = (message: Buffer) => message;
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(method, same, same, bytes, (error, response) =>
      error === null && response !== undefined ? resolve(response) : reject(error),
    );
  });
}

test.each([
  ["nothing", 0],
  ["a few bytes", 10],
  ["several windows", 7_000_000],
])("carries %s", async (_, length) => {
  const bytes = Buffer.alloc(length, "x");
  expect((await call(bytes)).equals(bytes)).toBe(true);
});

test("answers many calls at a time, each by itself", async () => {
  answer = async (request) => {
    await new Promise((resolve) => setTimeout(resolve, request[0] === 0 ? 100 : 0));
    return request;
  };
  const calls = Array.from({ length: 200 }, (_, index) => call(Buffer.from([index % 2, index])));
  expect((await Promise.all(calls)).map((bytes) => bytes[1])).toEqual(Array.from({ length: 200 }, (_, i) => i));
});

describe("a failure", () => {
  test("keeps its words, lines and letters, and details as long as the client here takes them", async () => {
    const words = 'onprem:linux:File "motd": 100 % kaputt\n  på prod: æ ø å';
    const details = Buffer.alloc(30_000, "d");
    answer = async () => {
      throw new CallFailed(2, words, details);
    };
    const error = (await call(Buffer.alloc(0)).catch((error) => error)) as grpc.ServiceError;
    expect([error.code, error.details]).toEqual([2, words]);
    expect(error.metadata.get("grpc-status-details-bin")).toEqual([details]);
  });

  test.each([
    ["a method that is not there", () => call(Buffer.alloc(0), "/test.Service/Other"), grpc.status.UNIMPLEMENTED],
    ["too long a request", () => call(Buffer.alloc(longest + 1)), grpc.status.RESOURCE_EXHAUSTED],
  ])("of %s", async (_, fails, code) => {
    await expect(fails()).rejects.toMatchObject({ code });
    expect((await call(Buffer.from("still here"))).toString()).toBe("still here");
  });

  test("that was no CallFailed tells what it says", async () => {
    answer = async () => {
      throw new TypeError("x is not a function");
    };
    await expect(call(Buffer.alloc(0))).rejects.toMatchObject({ code: 2, details: "TypeError: x is not a function" });
  });
});

test("a caller that leaves in the middle harms nobody", async () => {
  let reached: () => void = () => undefined;
  let goOn: () => void = () => undefined;
  const arrived = new Promise<void>((resolve) => {
    reached = resolve;
  });
  answer = async (request) => {
    if (request.length > 0) return request;
    reached();
    await new Promise<void>((resolve) => {
      goOn = resolve;
    });
    return request;
  };
  const same = (message: Buffer) => message;
  const left = client.makeUnaryRequest("/test.Service/Call", same, same, Buffer.alloc(0), () => undefined);
  await arrived;
  left.cancel();
  await call(Buffer.from("x"));
  goOn();
  expect((await call(Buffer.from("y"))).toString()).toBe("y");
});
