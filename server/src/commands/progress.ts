import { printable } from './output.ts'

/** Shows how far something is: a bar on a terminal, a line at each quarter elsewhere. */
export interface Progress {
  update: (done: number, note?: string) => void
  /** a line of its own, which the bar makes room for */
  say: (sentence: string) => void
  stop: () => void
}

const QUARTERS = 4
const BAR_CHARACTERS = 30
/** Oftener than the eye follows costs more than it shows. */
const REDRAW_MS = 100

/** @param total 0 where nobody knows; then only the note is shown */
export function showProgress(label: string, total: number, stream = process.stderr): Progress {
  return stream.isTTY ? createBar(label, total, stream) : createLines(label, total, stream)
}

function createBar(label: string, total: number, stream: NodeJS.WriteStream): Progress {
  let shown = ''
  let drawnMs = Number.NEGATIVE_INFINITY
  const draw = () => stream.write(`\r\x1b[K${shown}`)
  return {
    update(done, note = '') {
      shown = [label, ...(total > 0 ? [barOf(Math.min(1, done / total))] : []), note].join(' ')
      const nowMs = performance.now()
      if (nowMs - drawnMs < REDRAW_MS && done < total) return
      drawnMs = nowMs
      draw()
    },
    say(sentence) {
      stream.write(`\r\x1b[K${printable(sentence)}\n`)
      draw()
    },
    stop() {
      if (shown === '') return
      draw()
      stream.write('\n')
    },
  }
}

function barOf(share: number): string {
  const filled = Math.round(share * BAR_CHARACTERS)
  return `${'█'.repeat(filled)}${'░'.repeat(BAR_CHARACTERS - filled)} ${String(Math.floor(share * 100)).padStart(3)} %`
}

function createLines(label: string, total: number, stream: NodeJS.WriteStream): Progress {
  let told = 0
  return {
    update(done, note = '') {
      const quarter = total > 0 ? Math.min(QUARTERS, Math.floor((done * QUARTERS) / total)) : 0
      if (quarter <= told) return
      told = quarter
      stream.write(`${label}: ${(quarter * 100) / QUARTERS} %${note === '' ? '' : `, ${note}`}\n`)
    },
    say: (sentence) => stream.write(`${printable(sentence)}\n`),
    stop: () => undefined,
  }
}
