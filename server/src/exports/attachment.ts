/** The `Content-Disposition` by which a browser saves a file and never shows it. */
export function attachment(fileName: string): string {
  return `attachment; filename="${fileName}"`
}
