import type { AnyKind } from "./kind.ts";
import { file } from "./resources/file.ts";

/** Every resource that the plugin serves. A new one is added here and nowhere else. */
export const kinds: readonly AnyKind[] = [file];
