import { connect } from "../../../infra/provider/host/ssh-host.ts";

// Somebody who makes a guarded change, as a process of its own that can be killed. Argument: JSON with settings, steps and guard.
// Prints `kept` or the error's name.

const { settings, steps, guard } = JSON.parse(process.argv[2] ?? "");
const host = await connect(settings, { say: () => {} });
console.log("logged in");
const outcome = await host.perform(steps, guard).then(
  () => "kept",
  (error: Error) => `${error.name}: ${error.message}`,
);
console.log(outcome);
await host.close();
