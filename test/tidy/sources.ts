import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Folders of the program, each with a public door of its own. */
export const topFolders = [
  'runtime',
  'storage',
  'cluster',
  'actors',
  'gateway',
  'server',
  'bench',
  'simulation',
  'chaos',
] as const

const folders = [...topFolders, 'web', 'test', 'scripts', 'examples']
/** Tests, and what only tests use: suites that drivers run, worlds that they run in. */
const testPaths = [/\.(test|test-d|suite)\.ts$/, /(^|\/)test\//, /(^|\/)testing(\/|\.ts$)/, /^storage\/contract\//]

const generated = ['gateway/tl/generated/']

/** A file that people wrote, by its path from the root, with forward slashes. */
export interface Source {
  readonly path: string
  readonly text: string
  readonly lines: readonly string[]
  /** Runs only in tests, so that rules about logic do not bind it. */
  readonly isTest: boolean
}

/** All TypeScript and JavaScript that people wrote. */
export const sources: readonly Source[] = folders.flatMap(pathsUnder).filter(isWritten).sort().map(read)

function pathsUnder(folder: string): string[] {
  const paths = readdirSync(root, { withFileTypes: true }).some((entry) => entry.name === folder)
    ? readdirSync(`${root}${folder}`, { recursive: true, encoding: 'utf8' })
    : []
  return paths.map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
}

function isWritten(path: string): boolean {
  return /\.(ts|mjs|js)$/.test(path) && !generated.some((folder) => path.startsWith(folder))
}

function read(path: string): Source {
  const text = readFileSync(`${root}${path}`, 'utf8')
  const isTest = testPaths.some((pattern) => pattern.test(path))
  return { path, text, lines: text.split('\n'), isTest }
}

/** `path:line: what` for each line of code (comments left out) that matches; what a rule's failure shows. */
export function findings(source: Source, pattern: RegExp): string[] {
  return source.lines.flatMap((line, index) => {
    const match = pattern.exec(withoutComment(line))
    return match === null ? [] : [`${source.path}:${index + 1}: ${match[0].trim()}`]
  })
}

function withoutComment(line: string): string {
  return /^\s*(\*|\/\*|\/\/)/.test(line) ? '' : line.replace(/\s\/\/ .*$/, '')
}
