import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectRoot } from '../harness/project-root.js'

interface Previous {
  newestBefore(version: string, tags: readonly string[]): string | undefined
  otherVersion(version: string, by: number): string
  otherProtocol(source: string, by: number): string
}
const previous = (await import(join(projectRoot(), 'scripts/previous.mjs'))) as Previous

test('P1: the previous minor version is the newest release of an earlier one', () => {
  const tags = ['v1.4.9', 'v1.4.10', 'v1.5.0', 'v1.5.1', 'v0.9.0', 'v1.4.11-beta.1', 'nightly', '']
  expect(previous.newestBefore('1.5.2', tags)).toBe('v1.4.10')
  expect(previous.newestBefore('2.0.0', tags)).toBe('v1.5.1')
  expect(previous.newestBefore('0.9.3', tags)).toBeUndefined()
})

test('P2, P3: other minor versions differ in their number and in the protocol that they speak', () => {
  expect([previous.otherVersion('1.5.2', -1), previous.otherVersion('1.5.2', 2)]).toEqual(['1.4.0', '1.7.0'])
  const source = readFileSync(join(projectRoot(), 'cluster/transport/protocol-versions.ts'), 'utf8')
  const spoken = (text: string) => /oldest: (\d+), newest: (\d+)/.exec(text)!.slice(1).map(Number)
  const [oldest, newest] = spoken(source) as [number, number]
  // A build speaks its own and the one before it: no more, so that two builds of neighbours have exactly one in common.
  expect(newest - oldest).toBe(1)
  expect(spoken(previous.otherProtocol(source, -1))).toEqual([oldest - 1, oldest])
  expect(spoken(previous.otherProtocol(source, 2))).toEqual([newest + 1, newest + 2])
  expect(() => previous.otherProtocol('export const x = 1', -1)).toThrow('does not hold')
})
