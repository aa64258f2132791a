import type { DatabaseSync } from 'node:sqlite'

/**
 * The file is read through the system's memory, up to the 2 GiB that SQLite is built for: a list of a million rows does
 * not fit the connection's own cache, and a page far down takes a quarter less time so. The price: where the disk fails
 * under a read, the process ends instead of answering 500.
 */
const MAP_BYTES = 2 ** 31

/** So many pages are read since somebody wrote before the file is mapped. */
export const QUIET_PAGES = 1_000

/**
 * Maps the file of a connection that only reads while nobody writes: at each commit of another one SQLite lets go of the
 * whole map, and the system takes longer to map a page anew than to hand out a copy of it.
 */
export function createMapping(database: DatabaseSync) {
  let isMapped = false
  let quietPages = 0
  let seenVersion: number | undefined
  return {
    /** Before a page is read, outside its transaction. @param version the connection's `data_version` */
    noteRead(version: number): void {
      quietPages = version === seenVersion ? quietPages + 1 : 0
      seenVersion = version
      const shouldMap = quietPages >= QUIET_PAGES
      if (shouldMap === isMapped) return
      isMapped = shouldMap
      database.exec(`pragma mmap_size = ${isMapped ? MAP_BYTES : 0}`)
    },
  }
}
