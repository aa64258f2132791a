import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

// What the documents of the repository are made of: blocks of code, links and headings.

export const root = fileURLToPath(new URL('../..', import.meta.url))

export interface Block {
  /** the word after the fence: `bash`, `ts`, `json`, `text`, `console` … */
  language: string
  text: string
  /** of the fence, 1-based */
  line: number
}

/** The paths, from the root, of all documents. */
export function listDocuments(): string[] {
  const inRoot = readdirSync(root).filter((name) => name.endsWith('.md'))
  const inDocs = readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' })
  return [...inRoot, ...inDocs.filter((name) => name.endsWith('.md')).map((name) => join('docs', name))].sort()
}

export function readDocument(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export function blocksOf(markdown: string): Block[] {
  const fences = markdown.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)
  return [...fences].map(({ 1: language = '', 2: text = '', index }) => ({
    language,
    text,
    line: markdown.slice(0, index).split('\n').length,
  }))
}

/** What the document links to, other sites excepted: a path, an anchor, or both. */
export function localLinksOf(markdown: string): string[] {
  const links = withoutBlocks(markdown).matchAll(/\]\(([^)\s]+)\)/g)
  return [...links].map(([, target = '']) => target).filter((target) => !/^[a-z]+:/.test(target))
}

/** The anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(markdown: string): string[] {
  const headings = withoutBlocks(markdown).matchAll(/^#+ (.+)$/gm)
  return [...headings].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\- _]/gu, '')
      .replaceAll(' ', '-'),
  )
}

function withoutBlocks(markdown: string): string {
  return markdown.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The cells of the rows of all tables, without their headers. */
export function tableRowsOf(markdown: string): string[][] {
  const rows = withoutBlocks(markdown)
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    )
  const isRule = (cells: string[] | undefined) => cells?.every((cell) => /^:?-+:?$/.test(cell)) ?? false
  return rows.filter((cells, index) => !isRule(cells) && !isRule(rows[index + 1]))
}

/** Of the environment only what finds programs: what a shell happens to hold must not reach a document's command. */
export function cleanEnvironment(own: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { PATH = '', HOME } = process.env
  return {
    HOME,
    PATH: `${dirname(process.execPath)}:${PATH}`,
    NODE_COMPILE_CACHE: join(root, 'node_modules/.cache/dynamo'),
    ...own,
  }
}
