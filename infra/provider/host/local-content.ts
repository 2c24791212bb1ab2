import { open } from "node:fs/promises";
import type { Content } from "../step.ts";

/** Bytes of a file that travel in one message. */
export const chunk = 64 * 1024;

/** Content in pieces of at most `chunk` bytes, each good until the next is asked for. Rejects when a file cannot be read. */
export async function* parts(content: Content): AsyncGenerator<Uint8Array> {
  if (typeof content === "object" && "sha256" in content) {
    const file = await open(content.path);
    try {
      // One buffer for all: each part has been copied into a message before the next is read.
      const buffer = Buffer.allocUnsafeSlow(chunk);
      for (;;) {
        const { bytesRead } = await file.read(buffer, 0, chunk);
        if (bytesRead === 0) return;
        yield buffer.subarray(0, bytesRead);
      }
    } finally {
      await file.close();
    }
  }
  const bytes = typeof content === "string" ? Buffer.from(content) : content;
  for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
}
