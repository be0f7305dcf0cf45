import { generateAndBuild } from '../scripts/prepare.mjs'

/**
 * Tests that start real servers run dist/, and many read generated TL code: both are brought in line with the sources
 * before any test, so that `npx vitest run <path>` never tests yesterday's build.
 */
export default async function setup() {
  await generateAndBuild()
}
