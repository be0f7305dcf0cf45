import { setTimeout as pause } from 'node:timers/promises'
import { type ErrorCode, errorCode, type Journal, type JournalStore } from '../../runtime/index.js'
import { facts, follow, readAll } from '../contract/samples.js'

const patienceMs = 60_000

/**
 * Actors that commit one number after another, as the runtime does: what has an unknown outcome is repeated as it was, after
 * any other failure the actor is opened anew under a new writer.
 */
export class SteadyLoad {
  /** By actor: how many commits were acknowledged. */
  readonly acknowledged: number[]
  readonly codes = new Map<ErrorCode | undefined, number>()
  /** The longest that any call took, whatever its end. */
  longestMs = 0
  readonly #journals: JournalStore
  readonly #epoch: number
  readonly #name: string
  readonly #running: Promise<void>[]
  #attempts = 0
  #isStopping = false

  constructor(journals: JournalStore, epoch: number, name: string, actors: number) {
    this.#journals = journals
    this.#epoch = epoch
    this.#name = name
    this.acknowledged = Array.from({ length: actors }, () => 0)
    this.#running = this.acknowledged.map((_, index) => this.#run(index))
  }

  get total(): number {
    return this.acknowledged.reduce((sum, each) => sum + each, 0)
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    await Promise.all(this.#running)
  }

  /** Says what is lost or twice, by reading every actor's whole history. */
  async wrong(): Promise<string[]> {
    const wrong: string[] = []
    for (const [index, acknowledged] of this.acknowledged.entries()) {
      const history = await this.#history(index)
      const expected = history.map((_, at) => `${at + 1}`)
      if (history.join() !== expected.join()) wrong.push(`actor ${index}: ${history.join()}`)
      if (history.length < acknowledged)
        wrong.push(`actor ${index}: ${acknowledged} acknowledged, ${history.length} there`)
    }
    return wrong
  }

  /** A ring that has just lost a node may be late with an answer: the question is what is there, not when. */
  async #history(index: number): Promise<readonly string[]> {
    const giveUpAt = performance.now() + patienceMs
    for (;;) {
      try {
        const { journal } = await this.#open(index)
        const history = facts(await readAll(journal))
        journal.close()
        return history
      } catch (error) {
        if (errorCode(error) !== 'STORE_UNAVAILABLE' || performance.now() > giveUpAt) throw error
        await pause(200)
      }
    }
  }

  #open(index: number) {
    const actor = { kind: 'chat', key: `${this.#name}-${index}`, shard: index }
    return this.#journals.open(actor, { epoch: this.#epoch, attempt: ++this.#attempts, mayKeepWriter: false })
  }

  async #run(index: number): Promise<void> {
    let journal: Journal | undefined
    let next = 1
    while (!this.#isStopping) {
      const sinceMs = performance.now()
      try {
        if (journal === undefined) {
          const opened = await this.#open(index)
          journal = opened.journal
          next = opened.tail.length + 1
        }
        await journal.commit({ entries: follow({ pts: next - 1, ordinal: 0 }, [`${next}`]) })
        this.acknowledged[index] = next
        next++
      } catch (error) {
        const code = errorCode(error)
        this.codes.set(code, (this.codes.get(code) ?? 0) + 1)
        if (code !== 'OUTCOME_UNKNOWN') {
          journal?.close()
          journal = undefined
        }
        await pause(50)
      } finally {
        this.longestMs = Math.max(this.longestMs, performance.now() - sinceMs)
      }
    }
  }
}
