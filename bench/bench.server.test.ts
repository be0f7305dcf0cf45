import { test } from 'vitest'
import { serviceUrl } from '../test/services.js'
import { scenarios } from './scenarios.js'
import { findsFigures } from './testing/bench-process.js'

/** As bench.test.ts, for the scenarios that need a server. */
const cases = scenarios.flatMap(({ name, needs }) => (needs === undefined ? [] : [{ name, needs }]))

test.each(cases)(
  '$name finds figures, and writes them as JSON and as a page',
  async ({ name, needs }) => {
    await findsFigures(name, { [`HELIOGRAPH_TEST_${needs.toUpperCase()}`]: serviceUrl(needs) })
  },
  180_000,
)
