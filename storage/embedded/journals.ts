import {
  type ActorAddress,
  ActorError,
  type JournalStore,
  type OpenedJournal,
  type OpenRequest,
  type Writer,
} from '../../runtime/index.js'
import { isOlder, overtaken } from '../order.js'
import type { OrderedKv } from '../ports/ordered-kv.js'
import { readHistory } from './history.js'
import { EmbeddedJournal, type HandleStore } from './journal.js'
import { actorText, type KeyText } from './keys.js'

/**
 * JournalStore on an ordered KV that this process alone has open (storage/embedded/directory-lock.ts).
 *
 * 1. The fence is in memory: the newest handle of an actor stands in `#newest`. An older one is overtaken the moment a
 *    newer `open` begins; whatever it still had in flight ends before that `open` reads (S3). Handles of a former process
 *    are gone with it.
 * 2. An overtaken handle acknowledges nothing, also not a write that ended well: what it stored is then in what the
 *    newer `open` returns.
 * 3. A commit is one record in one batch with its `before` rows; a checkpoint is one batch (S2, S4).
 * 4. While the disk owes an answer (`uncertain`), nothing is opened: what is read could change afterwards.
 * 5. Lineages are not stored: one process, one fence, so all records of a journal follow one another. Each names its
 *    predecessor and its writer, and a hole, or a writer older than the one before, is CORRUPT.
 */
export class EmbeddedJournals implements JournalStore, HandleStore {
  readonly kv: OrderedKv
  readonly #newest = new Map<KeyText, EmbeddedJournal>()

  constructor(kv: OrderedKv) {
    this.kv = kv
  }

  async open(actor: ActorAddress, request: OpenRequest): Promise<OpenedJournal> {
    const text = actorText(actor)
    const predecessor = this.#newest.get(text)
    if (predecessor && isOlder(request, predecessor.writer)) throw overtaken(actor)
    const writer: Writer = { epoch: request.epoch, attempt: request.attempt }
    const journal = new EmbeddedJournal(this, actor, text, writer)
    this.#newest.set(text, journal)
    journal.begin()
    try {
      if (predecessor) await predecessor.overtake()
      if (this.kv.uncertain) throw notCertain()
      const { head, snapshot, tail } = readHistory(this.kv, actor, text, writer)
      if (journal.isOver) throw overtaken(actor)
      journal.head = head
      return { journal, writer, tail, ...(snapshot && { snapshot }) }
    } catch (error) {
      journal.close()
      throw error
    } finally {
      journal.end()
    }
  }

  /** Forgets a handle that is not used any more, unless a newer one has taken its place. */
  forget(text: KeyText, journal: EmbeddedJournal): void {
    if (this.#newest.get(text) === journal) this.#newest.delete(text)
  }
}

function notCertain(): ActorError {
  return new ActorError(
    'STORE_UNAVAILABLE',
    'The disk does not answer: the journal cannot be read with certainty yet.',
    {
      retryAfterMs: 1_000,
    },
  )
}
