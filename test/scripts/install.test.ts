import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { type ProjectCopy, projectCopy } from './project-copy.js'

let project: ProjectCopy
afterEach(() => project.dispose())

const major = process.versions.node.split('.')[0]
const lock = {
  '': { name: 'x' },
  'node_modules/a': { version: '1.0.0' },
  'node_modules/tool': { version: '2.0.0', dev: true },
  'node_modules/elsewhere': { version: '1.0.0', optional: true, os: ['plan9'] },
  'node_modules/native': { version: '1.0.0', optional: true, os: [process.platform], cpu: [process.arch] },
  'node_modules/other-node': { version: '1.0.0', optional: true, engines: { node: '>=10.0.0 <11.0.0' } },
}

/** A project whose npm notes how it was called. */
function projectWith(installed: object | undefined, packages: object = lock): ProjectCopy {
  project = projectCopy({ npm: 'echo "$@" >> npm-calls' })
  project.write('package-lock.json', JSON.stringify({ packages }))
  project.write('node_modules/.keep', '')
  if (installed) project.write('node_modules/.package-lock.json', JSON.stringify({ packages: installed }))
  return project
}

const ensure = (dev: boolean) =>
  project.run(`await (await import('./scripts/install.mjs')).ensureInstalled({ dev: ${dev} })`)

function npmCalls(): string[] {
  const path = join(project.path, 'npm-calls')
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : []
}

const production = { 'node_modules/a': { version: '1.0.0' }, 'node_modules/native': { version: '1.0.0' } }
const everything = { ...production, 'node_modules/tool': { version: '2.0.0' } }

test('a fresh clone is installed without what only tests need, and without running install scripts', () => {
  projectWith(undefined)
  ensure(false)
  expect(npmCalls()).toHaveLength(1)
  expect(npmCalls()[0]).toMatch(/^install --omit=dev --ignore-scripts/)
})

test('what is there is not installed again', () => {
  projectWith(production)
  ensure(false)
  expect(npmCalls()).toEqual([])
})

test('tests need the rest too', () => {
  projectWith(production)
  ensure(true)
  expect(npmCalls()[0]).not.toContain('--omit=dev')
})

test('packages for development that are there are never left out, which would remove them', () => {
  projectWith({ ...everything, 'node_modules/a': { version: '0.9.0' } })
  ensure(false)
  expect(npmCalls()).toHaveLength(1)
  expect(npmCalls()[0]).not.toContain('--omit=dev')
})

test('another version in the lock file is installed', () => {
  projectWith(everything, { ...lock, 'node_modules/a': { version: '1.0.1' } })
  ensure(false)
  expect(npmCalls()).toHaveLength(1)
})

test('native code for this machine that is missing is installed, once', () => {
  projectWith({ 'node_modules/a': { version: '1.0.0' } })
  ensure(false)
  expect(npmCalls()).toHaveLength(1)
  ensure(false)
  expect(npmCalls()).toHaveLength(1)
})

test('another Node version brings its own native code', () => {
  const forThisNode = {
    version: '1.0.0',
    optional: true,
    engines: { node: `>=${major}.0.0 <${Number(major) + 1}.0.0` },
  }
  projectWith(production, { ...lock, 'node_modules/for-this-node': forThisNode })
  const platform = `${process.platform}-${process.arch}-node1`
  project.write('node_modules/.heliograph-install.json', JSON.stringify({ platform, lockHash: 'x' }))
  ensure(false)
  expect(npmCalls()).toHaveLength(1)
})

test('a failing npm fails the step by its name', () => {
  projectWith(undefined)
  project.write('bin/npm', '#!/bin/sh\nexit 7\n')
  expect(() => ensure(false)).toThrow(/install \(npm install\) failed/)
})
