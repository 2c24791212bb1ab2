import { expect, test } from "vitest";
import { sourcesOf } from "../../../scripts/docs/sources.ts";

const text = `
type Mode = "a" | "b";
interface Part { size: number }
export interface BaseArgs {
  /** Where. */
  host: string;
}
/** Not a property. */
export interface ThingArgs extends BaseArgs {
  /**
   * How.
   * @default "a"
   */
  mode?: Mode;
  /** Of what, by name. */
  parts: Record<string, Part>;
}
/**
 * A thing.
 *
 * @example
 * new Thing("a");
 *
 * @example
 * new Thing("b", {
 *   mode: "b",
 * });
 *
 * @importId its \`name\`.
 */
export class Thing extends Base<ThingArgs> {
  /** Whether it is there. */
  declare readonly there: Output<boolean | undefined>;
  readonly size: pulumi.Output<number>;
  readonly #hidden = 1;
  private readonly kept: string = "";
  static readonly type: string = "";
}
`;

test("arguments, outputs, examples and the import id are read from the declarations", () => {
  const { classes, interfaces } = sourcesOf([["thing.ts", text]]);
  expect(classes.get("Thing")).toEqual({
    name: "Thing",
    text: "A thing.",
    examples: ['new Thing("a");', 'new Thing("b", {\n  mode: "b",\n});'],
    outputs: [
      { name: "there", type: "boolean | undefined", optional: false, text: "Whether it is there.", mentions: [] },
      { name: "size", type: "number", optional: false, text: "", mentions: [] },
    ],
    importId: "its `name`.",
  });
  expect(interfaces.get("ThingArgs")).toEqual([
    { name: "host", type: "string", optional: false, text: "Where.", mentions: [] },
    { name: "mode", type: '"a" | "b"', optional: true, text: "How.", default: '"a"', mentions: [] },
    { name: "parts", type: "Record<string, Part>", optional: false, text: "Of what, by name.", mentions: ["Part"] },
  ]);
});
