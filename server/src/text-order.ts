/** The order of ids in which rows are locked and written: that of their code units. */
export function compareTexts(one: string, other: string): number {
  if (one === other) return 0
  return one < other ? -1 : 1
}
