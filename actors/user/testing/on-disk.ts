import { createActorSystem, type JournalStore, type Ref, systemClock } from '../../../runtime/index.js'
import { noLog, noMetrics, SeededRandom } from '../../../runtime/testing/index.js'
import { openEmbeddedStorage } from '../../../storage/index.js'
import { userActor } from '../actor.js'
import { User } from '../contract.js'
import { ME } from './world.js'

export interface AccountOnDisk {
  readonly user: Ref<User>
  /** Entries that were asked for by their numbers. */
  readonly asked: { entries: number }
  stop(): Promise<void>
}

/** An account on the embedded store as it is. */
export async function accountOnDisk(directory: string, localValues: 'cross' | 'pass'): Promise<AccountOnDisk> {
  const storage = await openEmbeddedStorage({ directory, clock: systemClock, log: noLog })
  const asked = { entries: 0 }
  const system = createActorSystem({
    actors: [userActor(storage)],
    clock: systemClock,
    random: new SeededRandom(1),
    journals: counted(storage.journals, asked),
    agenda: storage.agenda,
    ownership: storage.ownership,
    metrics: noMetrics,
    log: noLog,
    localValues,
  })
  const stop = async () => {
    await system.stop()
    await storage.close()
  }
  return { user: system.ref(User, ME), asked, stop }
}

function counted(journals: JournalStore, asked: { entries: number }): JournalStore {
  return {
    async open(...request) {
      const opened = await journals.open(...request)
      const { journal } = opened
      const readAt = journal.readAt.bind(journal)
      journal.readAt = (pts) => {
        asked.entries += pts.length
        return readAt(pts)
      }
      return opened
    },
  }
}
