// The plugin's first module: what comes after it is taken from the compile cache.
import { keepCompiled, useCompileCache } from "../compile-cache.mjs";

useCompileCache();
await import("./main.ts");
keepCompiled();
