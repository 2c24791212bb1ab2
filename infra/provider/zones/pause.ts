import { setTimeout as sleep } from "node:timers/promises";
import { Cancelled } from "../host/errors.ts";

/** Waits some seconds. @throws Cancelled when told to stop meanwhile */
export async function pause(seconds: number, title: string, signal: AbortSignal | undefined): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, signal === undefined ? {} : { signal });
  } catch (error) {
    throw signal?.aborted ? new Cancelled(title) : error;
  }
}
