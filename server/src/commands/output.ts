/** What every command understands. */
export interface CommonOptions {
  /** print one JSON object instead of text */
  json?: true
}

/** The command's answer on standard output: the object with `--json`, else the text. */
export function answer({ json }: CommonOptions, text: string, object: object): void {
  process.stdout.write(`${json ? JSON.stringify(object) : text}\n`)
}

/** The command's answer where it is one JSON object with or without `--json`. */
export function printJson(object: object): void {
  process.stdout.write(`${JSON.stringify(object)}\n`)
}

/** What a person at a terminal may want to know; the command's answer goes elsewhere. */
export function say(sentence: string): void {
  process.stderr.write(`${printable(sentence)}\n`)
}

/** A part of a long output; waits for a reader who is slower than the store: then the part's memory may be used again. */
export function print(part: string | Uint8Array): Promise<void> {
  // where it cannot be written main.ts ends the process
  return new Promise((resolve) => process.stdout.write(part, () => resolve()))
}

/** Text from a file or a store without what would move a terminal's cursor or change its title. */
export function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
