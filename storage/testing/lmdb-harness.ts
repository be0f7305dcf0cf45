import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '../../runtime/index.js'
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
  let life = { isOver: false }
  return {
    async start() {
      const mine = { isOver: false }
      life = mine
      const kv = openLmdbKv({
        path: join(directory, 'data.mdb'),
        clock: mortalClock(mine),
        log: noLog,
        mapBytes: 256 * 1024 * 1024,
        through: (real) => {
          target = new CrashingTarget(real, () => {
            mine.isOver = true
            crashed()
          })
          return target
        },
      })
      return processOf(await storageOn(kv, {}, async () => undefined))
    },
    async crash() {
      life.isOver = true
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

/** A process that was killed has no timers any more. */
function mortalClock(life: { readonly isOver: boolean }): Clock {
  return {
    now: () => systemClock.now(),
    monotonic: () => systemClock.monotonic(),
    setTimer: (delayMs, fire) =>
      systemClock.setTimer(delayMs, () => {
        if (!life.isOver) fire()
      }),
  }
}
