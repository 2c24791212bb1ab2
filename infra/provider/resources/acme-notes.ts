import type { ZodType } from "zod";
import { type Asked, emptyLedger, type Ledger, type Refusal, refusal } from "../acme/ledger.ts";
import { ledgerSchema } from "../acme/ledger-file.ts";
import { afterSetback, type Setback } from "../acme/setback.ts";
import { Failure } from "../failure.ts";
import type { Host, Say } from "../host/host.ts";
import { run, write } from "../step.ts";
import { Turns } from "../turns.ts";
import { type OrderNote, orderSchema, stateFolder } from "./acme-certificate-texts.ts";

/** A file of what is kept, and what goes with it where it is damaged. */
interface Note<Kept> {
  readonly path: string;
  readonly schema: ZodType<Kept>;
  readonly loss: string;
}

const ledgerNote: Note<Ledger> = {
  path: `${stateFolder}/ledger.json`,
  schema: ledgerSchema,
  loss: "What was asked of authorities before is not known now, so that one of them may refuse what is asked next.",
};

/** Of each certificate its own: one that cannot be got must not stand in another's way. */
const orderNote = (folder: string): Note<OrderNote> => ({
  path: `${stateFolder}/order-${encodeURIComponent(folder.replace(/^\//, ""))}.json`,
  schema: orderSchema,
  loss: "A challenge of a run before may be left in the vendor's zone: look in that file for its name and value, and take it out. An order that was under way is not gone on with.",
});

/** The order for a certificate that was begun last and has not ended. */
export interface NotedOrder {
  read(): Promise<OrderNote | undefined>;
  keep(order: OrderNote): Promise<void>;
  forget(): Promise<void>;
}

/** By the host's name: each resource has a `Host` of its own, and all of them one ledger there. */
const turns = new Map<string, Turns>();

function turnsOf({ name }: Host): Turns {
  const known = turns.get(name) ?? new Turns();
  turns.set(name, known);
  return known;
}

/**
 * What is kept on the host between runs, so that a run from any machine knows it, and one that was killed has told. What is damaged holds up no
 * renewal: it is put aside, where a person can read it, and a warning says what that means.
 */
export class HostNotes {
  readonly #host: Host;
  readonly #say: Say;

  constructor(host: Host, say: Say) {
    this.#host = host;
    this.#say = say;
  }

  /** What was asked of authorities. */
  async ledger(): Promise<Ledger> {
    return (await this.#read(ledgerNote)) ?? emptyLedger;
  }

  /**
   * Notes something in the ledger, which several resources of a host do at a time.
   *
   * @param change Gives the same ledger where there is nothing to note. What it throws is thrown, and nothing is noted.
   */
  record(change: (ledger: Ledger, now: Date) => Ledger): Promise<void> {
    return turnsOf(this.#host).take(async () => {
      const ledger = await this.ledger();
      const after = change(ledger, new Date());
      if (after !== ledger) await this.#write(ledgerNote.path, after);
    });
  }

  /** Does what asks an authority; that it failed is noted, and thrown on. */
  async counting<Result>(setback: Setback, work: () => Promise<Result>): Promise<Result> {
    try {
      return await work();
    } catch (error) {
      await this.failed(setback, error);
      throw error;
    }
  }

  /** Notes that what an authority was asked for did not come. Where that cannot be noted, the failure itself matters more. */
  async failed(setback: Setback, error: unknown): Promise<void> {
    try {
      await this.record((ledger, now) => afterSetback(ledger, setback, error, now));
    } catch {
      // Told is what came before.
    }
  }

  /** The note of the order for a certificate. @param folder Where the certificate stands. */
  orderFor(folder: string): NotedOrder {
    const note = orderNote(folder);
    return {
      read: () => this.#read(note),
      keep: (order) => this.#write(note.path, order),
      forget: () => this.#host.perform([run("forget the order", ["rm", "-f", "--", note.path])]),
    };
  }

  async #read<Kept>({ path, schema, loss }: Note<Kept>): Promise<Kept | undefined> {
    const [file] = await this.#host.inspect(path, { content: 1024 * 1024 });
    if (file === undefined) return undefined;
    const { success, data } = schema.safeParse(json(file.content));
    if (success) return data;
    const aside = `${path}.damaged-${new Date().toISOString().replace(/[-:]|\.\d+Z/g, "")}`;
    await this.#host.perform([run(`put ${path} aside`, ["mv", "-T", "--", path, aside])]);
    this.#say(
      "warning",
      `${path} on ${this.#host.name} is damaged, or of another version of this program; it is ${aside} now. ${loss}`,
    );
    return undefined;
  }

  async #write(path: string, value: unknown): Promise<void> {
    const content = `${JSON.stringify(value, null, 2)}\n`;
    await this.#host.perform([
      run(`make ${stateFolder}`, ["install", "-d", "-m", "0700", "--", stateFolder]),
      write(`note ${path}`, { path, content, owner: "root", group: "root", mode: "0600" }),
    ]);
  }
}

function json(content: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}

/** Set to 1 for one run, it lets that run ask again although runs before have failed lately. */
const forceVariable = "ONPREM_FORCE_CERTIFICATE";

/** Whether somebody wants it tried in spite of earlier failures. */
export function isForced(): boolean {
  return process.env[forceVariable] === "1";
}

/** What is said of an order that is not placed. */
export function unasked(directory: string, names: readonly string[]): string {
  return `did not ask ${new URL(directory).host} for a certificate for ${names.join(", ")}`;
}

/** A certificate that would be refused is not asked for. @throws Failure */
export async function refuseWhatWouldBe(notes: HostNotes, asked: Asked): Promise<void> {
  refuseBy(await notes.ledger(), asked, new Date());
}

/** The same by a ledger that was read. @throws Failure */
export function refuseBy(ledger: Ledger, asked: Asked, now: Date): void {
  const refused = refusal(ledger, { ...asked, force: isForced() }, now);
  if (refused !== undefined) throw notNow(unasked(asked.directory, asked.names), refused);
}

/** What would be refused is not asked. @param what `did not ask ca.vendor.dk for an account` */
export function notNow(what: string, { why, until }: Refusal): Failure {
  const later = until === undefined ? "" : `Run the update again after ${until.toISOString()}. `;
  return new Failure({
    what,
    why,
    remedy: `${later}To try in spite of earlier failures, mend their cause and set ${forceVariable}=1 for one run; the authority's own limits, and how long it asked to wait, stay.`,
  });
}
