/** A stack's configuration as its file has it. */
export interface StackFile {
  /** The stack's name, without organisation and project. */
  readonly stack: string;
  readonly text: string;
  /** The file's name, for messages. */
  readonly name: string;
}
