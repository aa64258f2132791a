/** `1 row`, `2 rows`: a number of things whose plural ends with s. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`
}
