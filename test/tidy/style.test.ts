/** What a reader may count on in every file. A limit here only ever falls. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { findings, sources } from './sources.js'

/** The formatter breaks code at 120; this is for what it cannot break: a comment, the name of a test. */
const maxLineCharacters = 140
const maxFileLines = 500

/** One string that cannot be broken, such as a sentence of the settings table or a long test vector. */
const singleString = /^\s*([\w.]+[:(]\s?)?(['"`]).*\2[),;]*$/

describe('files', () => {
  test(`are at most ${maxFileLines} lines long`, () => {
    const long = sources.filter(({ lines }) => lines.length > maxFileLines)
    expect(long.map(({ path, lines }) => `${path}: ${lines.length} lines`)).toEqual([])
  })

  test(`have lines of at most ${maxLineCharacters} characters`, () => {
    const isLong = (line: string) => line.length > maxLineCharacters && !singleString.test(line)
    const long = sources.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (isLong(line) ? [`${path}:${index + 1}: ${line.length}`] : [])),
    )
    expect(long).toEqual([])
  })

  test('are named by nouns in kebab case, and none is a drawer for odds and ends', () => {
    const drawers = /^(utils?|common|helpers?|misc|managers?)$/
    const wrong = sources.filter(({ path }) =>
      path.split('/').some((part) => {
        const name = part.replace(/(\.server)?(\.(config|test|test-d|suite))?\.(ts|mjs|js)$/, '')
        return drawers.test(name) || !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name)
      }),
    )
    expect(wrong.map(({ path }) => path)).toEqual([])
  })
})

describe('code', () => {
  test('leaves nothing for later', () => {
    const later = /\b(TO\x44O|FIX\x4dE|XX\x58|HA\x43K)\b/
    const found = sources.flatMap(({ path, lines }) =>
      lines.flatMap((line, index) => (later.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [])),
    )
    expect(found).toEqual([])
  })

  test('does not talk itself out of its types', () => {
    const escapes = /\bas any\b|@ts-ignore|@ts-nocheck|as unknown as never/
    expect(
      sources.flatMap((source) => findings(source, escapes)).filter((each) => !each.startsWith('test/tidy/')),
    ).toEqual([])
  })
})

describe('tests', () => {
  test('all run: none is skipped, singled out, expected to fail or still to be written', () => {
    const notRun = /\b(test|it|describe)(\.\w+)*\.(skip|only|todo|fails|skipIf|runIf)\b|\bctx\.skip\(/
    const found = sources.filter(({ isTest }) => isTest).flatMap((source) => findings(source, notRun))
    expect(found).toEqual([])
  })
})

test('the lock file names no address to download from, so that each installs from the registry of their own', () => {
  const lock = readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')
  expect(lock).not.toContain('"resolved"')
})
