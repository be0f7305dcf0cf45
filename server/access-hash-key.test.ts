import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemRandom } from '../runtime/index.js'
import { loadAccessHashKey } from './access-hash-key.js'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'heliograph-keys-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

test('is made once, for its owner only, and a file that others may read is taken from them', () => {
  const path = join(directory, 'access-hash.key')
  const made = loadAccessHashKey(directory, systemRandom)
  expect(readdirSync(directory)).toEqual(['access-hash.key'])
  expect(statSync(path).mode & 0o777).toBe(0o600)
  chmodSync(path, 0o644)
  expect(loadAccessHashKey(directory, systemRandom)).toEqual(made)
  expect(statSync(path).mode & 0o777).toBe(0o600)
})

test('a file that is no key is refused with a cure, and stays', () => {
  const path = join(directory, 'access-hash.key')
  writeFileSync(path, 'half')
  expect(() => loadAccessHashKey(directory, systemRandom)).toThrow(
    expect.objectContaining({ cure: expect.any(String) }),
  )
  expect(statSync(path).size).toBe(4)
})
