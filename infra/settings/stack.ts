import * as pulumi from "@pulumi/pulumi";
import { readSettings, type Settings, warnings } from "../settings.ts";
import { SettingsMistaken } from "./mistakes.ts";

/**
 * The settings of the stack that runs. Says each warning, and ends the run with one message where there are mistakes: a
 * `RunError` is shown as it is, without the program's stack trace.
 */
export function stackSettings(): Settings {
  try {
    const settings = readSettings(pulumi.getStack(), pulumi.runtime.allConfig(), secretKeys());
    for (const warning of warnings(settings)) void pulumi.log.warn(warning);
    return settings;
  } catch (error) {
    throw error instanceof SettingsMistaken ? new pulumi.RunError(error.message) : error;
  }
}

/** The engine names the secret keys in the environment of its language host (sdk/go/common/workspace). */
function secretKeys(): string[] {
  return JSON.parse(process.env.PULUMI_CONFIG_SECRET_KEYS || "[]") as string[];
}
