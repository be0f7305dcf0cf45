import { generateAndBuild } from '../scripts/prepare.mjs'

/**
 * Tests that start real servers run dist/, and many read generated TL code: both are brought in line with the sources
 * before any test, so that `npx vitest run <path>` never tests yesterday's build. Where that fails, `npm test` has
 * stopped before; a test that somebody runs by hand may still have nothing to do with it.
 */
export default async function setup() {
  await generateAndBuild().catch((error) => console.warn(`${error.message}; going on with what is there.`))
}
