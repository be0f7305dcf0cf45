import { SeededRandom } from '../../runtime/testing/index.js'
import { storageOn } from '../cassandra/cassandra-storage.js'
import { defaultLimits } from '../cassandra/options.js'
import type { Statement } from '../cassandra/session.js'
import type { StorageHarness } from '../contract/harness.js'
import type { RingLuck } from '../simulated/cassandra/luck.js'
import { SimulatedCassandra } from '../simulated/cassandra/simulated-cassandra.js'
import { SimulatedSession } from '../simulated/cassandra/simulated-session.js'
import { EagerClock } from './eager-clock.js'

let nextSeed = 1

/**
 * A session whose reads at `one` are at quorum. An erased body may still be read from a replica that did not hear of it
 * (R3 in cassandra/entry-reads.ts), which the suite, made for stores that are one machine, does not allow.
 */
class QuorumReads extends SimulatedSession {
  override read(statement: Statement) {
    return super.read(statement, 'quorum')
  }
}

/**
 * The real driver on a simulated ring, on virtual time; each harness of a run has its own seed, the same in every run. A
 * process that dies leaves what it had sent on its way.
 */
export function simulatedCassandraHarness(luck: RingLuck): () => StorageHarness {
  return () => {
    const ring = new SimulatedCassandra({ clock: new EagerClock(), random: new SeededRandom(nextSeed++), luck })
    let epoch = 0
    let session: SimulatedSession | undefined
    let crashed = () => {}
    return {
      async start() {
        epoch++
        session = new QuorumReads(ring)
        return { ...storageOn(session, defaultLimits), epoch, stop: async () => undefined }
      },
      async crash() {
        session?.kill()
      },
      crashAfter(writes) {
        const dying = session
        let left = writes
        if (dying) {
          dying.onWrite = () => {
            if (left-- > 0) return
            dying.kill()
            crashed()
          }
        }
        return new Promise((resolve) => {
          crashed = resolve
        })
      },
      async dispose() {},
    }
  }
}
