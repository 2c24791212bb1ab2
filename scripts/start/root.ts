import { ScriptError } from "../script-error.ts";

/** Refuse to start without root, and say what works without. `uid` is the effective user, `undefined` where the system has none. */
export function requireRoot(uid: number | undefined): void {
  if (uid === 0) return;
  throw new ScriptError(
    "the lab needs root, for its machines, mounts and networks",
    "without root work: npm run test:unit, npm run check, npm run setup, npm run trust, and npm run pulumi against real servers",
    'run `npm start` as root, or see README.md, "Going live", for real servers',
  );
}
