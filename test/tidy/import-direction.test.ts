/**
 * Who may import whom (docs/architecture.md):
 *
 * I1. `runtime` imports nothing of ours; `storage` and `cluster` only `runtime`; `actors` `runtime` and `storage`;
 *     `gateway` `runtime` and `actors`; `server` wires them all. Nobody imports `server`, `bench` or `scripts`, but for
 *     what `bench` draws pages and starts clusters with.
 * I2. Across top folders only through doors: a folder's `index.ts`, an actor's `contract.ts` or a storage port. Tests may also use a
 *     `testing` door.
 * I3. A door names what it exports.
 */
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Import, importsOf, topFolderOf } from './imports.js'
import { type Source, sources, topFolders } from './sources.js'

const mayImport: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  storage: ['runtime'],
  cluster: ['runtime'],
  actors: ['runtime', 'storage'],
  gateway: ['runtime', 'actors'],
  server: ['runtime', 'storage', 'cluster', 'actors', 'gateway'],
  bench: ['runtime', 'storage', 'cluster', 'actors', 'gateway'],
  simulation: ['runtime', 'storage', 'cluster', 'actors', 'gateway'],
  // Real clients and servers of one's own are the tests'; pages look as the bench's do.
  chaos: ['runtime', 'storage', 'actors', 'bench', 'test'],
}
const anything = [...topFolders, 'test', 'scripts']

const doors = [
  /^\w+\/index\.js$/,
  /^actors\/[\w-]+\/contract\.js$/,
  /^storage\/ports\/[\w-]+\.js$/,
  // The words in which contracts speak.
  /^actors\/(chat\/chat-id|message\/body|user\/changes)\.js$/,
]
/** What of the gateway knows neither sockets nor TL: the simulation runs it as it is. */
const simulationDoors = [/^gateway\/(api\/actor-calls|updates\/(attachment|pending|session-slot)|mtproto\/index)\.js$/]
const testingDoors = [/^\w+\/(.+\/)?testing(\/index)?\.js$/]

function allowedFrom({ path, isTest }: Source): readonly string[] {
  const folder = topFolderOf(path)
  if (folder === 'test') return anything
  const allowed = mayImport[folder] ?? []
  return isTest ? [...allowed, 'runtime', 'storage', 'actors', 'test'] : allowed
}

function isThroughDoor({ from, to }: Import): boolean {
  const folder = topFolderOf(from.path)
  if (topFolderOf(to) === 'test') return true
  const more = [
    ...(from.isTest || folder === 'bench' ? testingDoors : []),
    ...(folder === 'simulation' ? simulationDoors : []),
  ]
  return [...doors, ...more].some((door) => door.test(to))
}

/** Names imports that it does not make, to try the rule. */
const thisFile = 'test/tidy/import-direction.test.ts'

const isOurCode = (path: string) => anything.includes(topFolderOf(path)) && /\.m?js$/.test(path)
const crossing = sources
  .filter(({ path }) => topFolderOf(path) !== 'scripts' && path !== thisFile)
  .flatMap(importsOf)
  .filter(({ from, to }) => isOurCode(to) && topFolderOf(from.path) !== topFolderOf(to))
const shown = ({ from, to, line }: Import) => `${from.path}:${line} imports ${to}`

describe('imports between top folders', () => {
  test('I1: go only in the allowed direction', () => {
    const wrong = crossing.filter(({ from, to }) => !allowedFrom(from).includes(topFolderOf(to)))
    expect(wrong.map(shown)).toEqual([])
  })

  test('I2: go through a door', () => {
    const inner = crossing.filter(({ to }) => (topFolders as readonly string[]).includes(topFolderOf(to)))
    expect(inner.filter((each) => !isThroughDoor(each)).map(shown)).toEqual([])
  })

  test('I3: every folder that is imported has a door, and doors name what they export', () => {
    const imported = new Set(crossing.map(({ to }) => topFolderOf(to)).filter((folder) => folder in mayImport))
    const withoutDoor = [...imported].filter(
      (folder) => !existsSync(new URL(`../../${folder}/index.ts`, import.meta.url)),
    )
    expect(withoutDoor).toEqual([])
    const starred = sources.filter(({ path, text }) => path.endsWith('/index.ts') && /^export \*/m.test(text))
    expect(starred.map(({ path }) => path)).toEqual([])
  })
})

test('the rule sees imports in all their forms', () => {
  const from = (text: string) => importsOf({ path: 'runtime/a/b.ts', text, lines: text.split('\n'), isTest: false })
  expect(from("import { x } from '../../gateway/index.js'")[0]?.to).toBe('gateway/index.js')
  expect(from("import type {\n  X,\n} from '../c.js'")[0]?.to).toBe('runtime/c.js')
  expect(from("const x = await import('./c.js')")[0]?.to).toBe('runtime/a/c.js')
  expect(from("export { x } from './c.js'")[0]?.to).toBe('runtime/a/c.js')
  expect(from("import './c.js'")[0]?.to).toBe('runtime/a/c.js')
  expect(from("import { x } from 'node:fs'")).toEqual([])
})
