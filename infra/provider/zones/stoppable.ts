import type { Exchange } from "../dns/exchange.ts";
import { Cancelled } from "../host/errors.ts";

/** An exchange that ends as soon as we are told to stop: the answer of a silent server would not come for seconds. */
export function stoppable(exchange: Exchange, title: string, signal: AbortSignal): Exchange {
  return async (...sent) => {
    if (signal.aborted) throw new Cancelled(title);
    const stopped = Promise.withResolvers<never>();
    const stop = () => stopped.reject(new Cancelled(title));
    signal.addEventListener("abort", stop, { once: true });
    try {
      return await Promise.race([exchange(...sent), stopped.promise]);
    } finally {
      signal.removeEventListener("abort", stop);
    }
  };
}
