import { serve } from "../../provider/adapter.ts";
import { CommandStandIn } from "./stand-in.ts";

/** The stand-in's process: the engine starts it with the address of its own service as the last argument. */
const engine = process.argv.slice(2).findLast((word) => !word.startsWith("-"));

await serve(new CommandStandIn(), engine);
