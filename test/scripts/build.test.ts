import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { type ProjectCopy, projectCopy } from './project-copy.js'

let project: ProjectCopy
beforeEach(() => {
  project = projectCopy({ linkPackages: true })
  project.write('server/main.ts', 'export const answer: number = 42\n')
  project.write('runtime/index.ts', 'export type X = string\nexport const one = 1 as const\n')
})
afterEach(() => project.dispose())

const build = () => project.run("await (await import('./scripts/build.mjs')).build()")
const output = (path: string) => join(project.path, 'dist', path)
const writtenAt = (path: string) => statSync(output(path), { bigint: true }).mtimeNs

test('files keep their place in the tree, with a source map each; tests are left out', () => {
  project.write('server/main.test.ts', 'import "vitest"\n')
  build()
  expect(readFileSync(output('server/main.js'), 'utf8')).toContain('const answer = 42')
  expect(existsSync(output('server/main.js.map'))).toBe(true)
  expect(existsSync(output('runtime/index.js'))).toBe(true)
  expect(existsSync(output('server/main.test.js'))).toBe(false)
})

test('generated code is copied as it is', () => {
  project.write('gateway/tl/generated/readers.js', 'export const generated = true\n')
  build()
  expect(readFileSync(output('gateway/tl/generated/readers.js'), 'utf8')).toBe('export const generated = true\n')
})

test('B1: an unchanged tree is not built again', () => {
  build()
  const before = writtenAt('.stamp')
  build()
  expect(writtenAt('.stamp')).toBe(before)
})

test('B2: only what changed is replaced', () => {
  build()
  const before = { main: writtenAt('server/main.js'), index: writtenAt('runtime/index.js') }
  project.write('server/main.ts', 'export const answer: number = 43\n')
  build()
  expect(readFileSync(output('server/main.js'), 'utf8')).toContain('43')
  expect(writtenAt('server/main.js')).not.toBe(before.main)
  expect(writtenAt('runtime/index.js')).toBe(before.index)
})

test('B3: what has no source any more is removed', () => {
  project.write('server/gone.ts', 'export const x = 1\n')
  build()
  expect(existsSync(output('server/gone.js'))).toBe(true)
  project.run("(await import('node:fs')).rmSync('server/gone.ts')")
  build()
  expect(existsSync(output('server/gone.js'))).toBe(false)
  expect(existsSync(output('server/gone.js.map'))).toBe(false)
})

test('a syntax error fails the build and keeps what was built before', () => {
  build()
  project.write('server/main.ts', 'export const = 1\n')
  expect(build).toThrow(/server\/main.ts/)
  expect(readFileSync(output('server/main.js'), 'utf8')).toContain('42')
})
