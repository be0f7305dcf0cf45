import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import type { WholeHarness } from '../contract/harness.js'
import { storageOn } from '../embedded/embedded-storage.js'
import { openLmdbKv } from '../embedded/lmdb-kv.js'
import { CrashingTarget } from './crashing-target.js'
import { processOf } from './storage-process.js'

/** LMDB in a temporary directory. A crash leaves the environment open: reopening it shows what was committed. */
export function lmdbHarness(): WholeHarness {
  const directory = mkdtempSync(join(tmpdir(), 'heliograph-lmdb-'))
  let target: CrashingTarget | undefined
  let crashed = () => {}
  return {
    async start() {
      const kv = openLmdbKv({
        path: join(directory, 'data.mdb'),
        clock: systemClock,
        log: noLog,
        mapBytes: 256 * 1024 * 1024,
        through: (real) => {
          target = new CrashingTarget(real, () => crashed())
          return target
        },
      })
      return processOf(await storageOn(kv, {}, async () => undefined))
    },
    async crash() {
      await target?.crash()
    },
    crashAfter(writes) {
      target?.crashAfter(writes)
      return new Promise((resolve) => {
        crashed = resolve
      })
    },
    async dispose() {
      rmSync(directory, { recursive: true, force: true })
    },
  }
}
