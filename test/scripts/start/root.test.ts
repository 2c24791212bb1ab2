import { expect, test } from "vitest";
import { requireRoot } from "../../../scripts/start/root.ts";

test("root may start the lab; anybody else is told what works without", () => {
  expect(() => requireRoot(0)).not.toThrow();
  for (const uid of [1000, undefined]) {
    expect(() => requireRoot(uid)).toThrow(
      /^the lab needs root.*\n {2}without root work: npm run test:unit, .*\n {2}run `npm start` as root/,
    );
  }
});
