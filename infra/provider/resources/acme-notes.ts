import { emptyLedger, type Ledger } from "../acme/ledger.ts";
import type { Host } from "../host/host.ts";
import { run, write } from "../step.ts";
import { type OrderNote, orderSchema, stateFolder } from "./acme-certificate-texts.ts";

const ledgerFile = `${stateFolder}/ledger.json`;
const orderFile = `${stateFolder}/order.json`;

/** What is kept on the host between runs, so that a run from any machine knows it, and one that was killed has told. */
export class HostNotes {
  readonly #host: Host;

  constructor(host: Host) {
    this.#host = host;
  }

  /** What was asked of authorities; an empty one where none can be read. */
  async ledger(): Promise<Ledger> {
    const read = (await this.#read(ledgerFile)) as Ledger | undefined;
    return read?.version === 1 ? read : emptyLedger;
  }

  keepLedger(ledger: Ledger): Promise<void> {
    return this.#write(ledgerFile, ledger);
  }

  /** The order that was begun last and not ended. */
  async order(): Promise<OrderNote | undefined> {
    const { data } = orderSchema.safeParse(await this.#read(orderFile));
    return data;
  }

  keepOrder(order: OrderNote): Promise<void> {
    return this.#write(orderFile, order);
  }

  async forgetOrder(): Promise<void> {
    await this.#host.perform([run("forget the order", ["rm", "-f", "--", orderFile])]);
  }

  async #read(path: string): Promise<unknown> {
    const [file] = await this.#host.inspect(path, { content: 1024 * 1024 });
    if (file === undefined) return undefined;
    try {
      return JSON.parse(new TextDecoder().decode(file.content));
    } catch {
      return undefined;
    }
  }

  async #write(path: string, value: unknown): Promise<void> {
    const content = `${JSON.stringify(value, null, 2)}\n`;
    await this.#host.perform([
      run(`make ${stateFolder}`, ["install", "-d", "-m", "0700", "--", stateFolder]),
      write(`note ${path}`, { path, content, owner: "root", group: "root", mode: "0600" }),
    ]);
  }
}
