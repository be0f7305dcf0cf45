// Builds dist/: every TypeScript file of the program as JavaScript, one file each in the same tree, with source maps,
// and beside it the generated TL code and the migrations of the stores. Types are checked by `npm run verify`, not here.
//
// B1. Nothing is written when nothing changed: a stamp holds the hash of all that goes in.
// B2. A file is replaced in one step and only when its content differs, so that a server that runs from dist/ or a
//     second build beside this one never sees half a file.
// B3. What has no source any more is removed.

import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, relative } from 'node:path'
import { main, root } from './project.mjs'

const folders = ['runtime', 'storage', 'actors', 'cluster', 'gateway', 'server', 'bench', 'simulation', 'chaos']
/** What chaos/ takes of the tests: clients, and servers of one's own. */
const ofTests = ['test/harness/', 'test/services.ts']
const generatedFolder = 'gateway/tl/generated/'
const outFolder = `${root}dist/`
const stampPath = `${outFolder}.stamp`

function filesUnder(folder) {
  let entries
  try {
    entries = readdirSync(`${root}${folder}`, { withFileTypes: true, recursive: true })
  } catch (error) {
    if (error.code === 'ENOENT') return []
    throw error
  }
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, `${entry.parentPath ?? entry.path}/${entry.name}`).replaceAll('\\', '/'))
}

function isSource(path) {
  return path.endsWith('.ts') && !path.endsWith('.d.ts') && !/\.(test|test-d|suite)\.ts$/.test(path)
}

/** Generated code, and what the program reads beside its code: the migrations of the stores. */
function isCopied(path) {
  return (path.startsWith(generatedFolder) && path.endsWith('.js')) || isMigration(path)
}

function isMigration(path) {
  return /^storage\/\w+\/migrations\/[\w-]+\.(sql|cql)$/.test(path)
}

function stampOf(contents) {
  const hash = createHash('sha256')
  hash.update(readFileSync(new URL(import.meta.url))).update(readFileSync(`${root}node_modules/esbuild/package.json`))
  for (const [path, content] of contents) hash.update(`${path}\0${content.length}\0`).update(content)
  return hash.digest('hex')
}

function readIfThere(path) {
  try {
    return readFileSync(path)
  } catch {
    return undefined
  }
}

function replaceFile(path, content) {
  const next = Buffer.from(content)
  if (readIfThere(path)?.equals(next)) return
  mkdirSync(dirname(path), { recursive: true })
  const temporary = `${path}.${process.pid}.new`
  writeFileSync(temporary, next)
  renameSync(temporary, path)
}

async function transpile(sources) {
  const esbuild = await import('esbuild')
  const result = await esbuild.build({
    absWorkingDir: root,
    entryPoints: sources,
    outdir: 'dist',
    outbase: '.',
    bundle: false,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node20.11',
    sourcemap: true,
    sourcesContent: false,
    logLevel: 'warning',
  })
  await esbuild.stop()
  return result.outputFiles.map((file) => [relative(root, file.path).replaceAll('\\', '/'), file.contents])
}

/** Brings dist/ in line with the sources; takes some tens of milliseconds when it already is. */
export async function build() {
  const taken = filesUnder('test').filter((path) => ofTests.some((start) => path.startsWith(start)))
  const paths = [...folders.flatMap(filesUnder), ...taken].filter((path) => isSource(path) || isCopied(path))
  const contents = paths.sort().map((path) => [path, readFileSync(`${root}${path}`)])
  const stamp = stampOf(contents)
  if (readIfThere(stampPath)?.toString() === stamp) return

  const outputs = [
    ...(await transpile(paths.filter(isSource))),
    ...contents.filter(([path]) => isCopied(path)).map(([path, content]) => [`dist/${path}`, content]),
  ]
  for (const [path, content] of outputs) replaceFile(`${root}${path}`, content)
  removeAllBut(new Set(outputs.map(([path]) => path)))
  replaceFile(stampPath, stamp)
}

function removeAllBut(wanted) {
  for (const path of filesUnder('dist')) {
    const isOurs = path.endsWith('.js') || path.endsWith('.js.map') || isMigration(path.replace(/^dist\//, ''))
    if (isOurs && !wanted.has(path)) rmSync(`${root}${path}`, { force: true })
  }
}

if (process.argv[1] === new URL(import.meta.url).pathname) await main(build)
