import { expect, test } from "vitest";
import { describeCaches } from "../../../scripts/ci/caches.ts";

test("what is there and what has to be made is said, one line each", () => {
  const caches = [
    { what: "Pulumi engine", cached: true },
    { what: "root file system of the servers", cached: false },
  ];
  expect(describeCaches(caches)).toBe(
    "Pulumi engine: from cache\nroot file system of the servers: built by this run\n",
  );
});
