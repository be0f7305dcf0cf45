// What every command does before its own work: packages, generated TL code, dist/.

import { existsSync } from 'node:fs'
import { build } from './build.mjs'
import { ensureInstalled } from './install.mjs'
import { root, run } from './project.mjs'

/** @param {{dev: boolean}} options `dev`: install what tests and checks need too */
export async function prepare({ dev }) {
  await ensureInstalled({ dev })
  await generateAndBuild()
}

/** Generated code first, for the build copies it. */
export async function generateAndBuild() {
  const generator = `${root}scripts/generate-tl.mjs`
  if (existsSync(generator)) await run('generate (scripts/generate-tl.mjs)', process.execPath, [generator])
  await build()
}
