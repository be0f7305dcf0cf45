import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { errorCode, refusalReason } from '../../runtime/index.js'
import { currentFormat, type DataDirectory, openDataDirectory } from './data-directory.js'

let parent: string
let path: string
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'heliograph-directory-'))
  path = join(parent, 'data')
})
afterEach(() => rmSync(parent, { recursive: true, force: true }))

const refusalOf = (opening: Promise<DataDirectory>): Promise<Error> =>
  opening.then(
    () => {
      throw new Error('was not refused')
    },
    (error: Error) => error,
  )

test('a new directory has the current format, also after it was opened again', async () => {
  for (let round = 0; round < 2; round++) {
    const directory = await openDataDirectory(path)
    expect(directory.openedFormat).toBe(currentFormat)
    expect(JSON.parse(readFileSync(join(path, 'format.json'), 'utf8'))).toEqual({ format: currentFormat })
    await directory.release()
  }
})

test('a newer format is refused with a line that says what to do, and left as it is', async () => {
  mkdirSync(path)
  writeFileSync(join(path, 'format.json'), '{"format": 999}')
  const refusal = await refusalOf(openDataDirectory(path))
  expect(refusalReason(refusal)).toBe('FORMAT_TOO_NEW')
  expect(refusal.message).toBe(
    `The data directory ${path} has format 999; this program knows formats up to ${currentFormat}. ` +
      'Start a newer version of Heliograph, or restore a backup that this one made.',
  )
  expect(readFileSync(join(path, 'format.json'), 'utf8')).toBe('{"format": 999}')
  expect(existsSync(join(path, 'data.mdb'))).toBe(false)
  writeFileSync(join(path, 'format.json'), '{"format": 1}')
  await (await openDataDirectory(path)).release()
})

test('a format file that says no format is CORRUPT', async () => {
  mkdirSync(path)
  for (const text of ['', '{}', '{"format": "1"}', '{"format": 0}', '[', 'null']) {
    writeFileSync(join(path, 'format.json'), text)
    expect(errorCode(await refusalOf(openDataDirectory(path)))).toBe('CORRUPT')
  }
})

test('a second opening by the same process is refused, until the first has released it', async () => {
  const first = await openDataDirectory(path)
  expect(refusalReason(await refusalOf(openDataDirectory(path)))).toBe('DIRECTORY_IN_USE')
  await first.release()
  await (await openDataDirectory(path)).release()
})

test('two directories are two locks', async () => {
  const first = await openDataDirectory(path)
  const second = await openDataDirectory(join(parent, 'other'))
  await first.release()
  await second.release()
})

test('a file in its place is refused', async () => {
  writeFileSync(path, 'a file')
  expect(refusalReason(await refusalOf(openDataDirectory(path)))).toBe('NOT_A_DIRECTORY')
})

test('a place where no folder can be made is refused, and does not hang', async () => {
  // Elsewhere there is no such place.
  if (process.platform !== 'linux') return
  for (const folder of ['/proc/heliograph', '/proc/heliograph/deep/er']) {
    const refusal = await refusalOf(openDataDirectory(folder))
    expect(refusalReason(refusal)).toBe('CANNOT_BE_MADE')
    expect(refusal.message).toContain('/proc/heliograph cannot be made (ENOENT).')
  }
})

test('a directory is made with the folders above it', async () => {
  const deep = join(path, 'a', 'b')
  await (await openDataDirectory(deep)).release()
  expect(existsSync(join(deep, 'format.json'))).toBe(true)
})
