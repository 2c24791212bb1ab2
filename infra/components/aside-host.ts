import type { Login } from "../settings/login.ts";

/**
 * The provider's arguments for a host of the vendor's, beside the stack's own server: one that does not answer is no booting server, and
 * no reason to leave the server alone.
 */
export function asideHost(login: Login): Login & { dialTimeout: number; aside: true } {
  return { ...login, dialTimeout: 30, aside: true };
}
