import { type ActorAddress, errorCode, type Journal, type OpenedJournal, type Random } from '../../runtime/index.js'
import { storageOn } from '../cassandra/cassandra-storage.js'
import type { CassandraSession } from '../cassandra/session.js'
import { facts, follow, headOf, readAll } from '../contract/samples.js'
import { HoldingSession, type Mischief } from './holding-session.js'

export interface TrialOptions {
  readonly session: CassandraSession
  readonly random: Random
  readonly actor: ActorAddress
  readonly takeovers: number
  readonly mischief?: Mischief
  /** Between takeovers. */
  readonly between?: () => Promise<void>
  /** Switches a rule off, to show that the trial notices. */
  readonly broken?: 'lineage' | 'lease'
  /**
   * An owner looks at its lease after each write, as the runtime does, so that once it is overtaken only what is in flight
   * still lands. Otherwise it goes on as long as it can, which is harsher than a ring allows whose reads take seconds: a
   * history that is read in parts needs an end of the former owner (CORE J5).
   */
  readonly looksAtLease?: boolean
}

const usual: Mischief = { paused: 12, late: 12, unanswered: 8 }
const small = { bucketBytes: 1_200, bucketPts: 50 }

/**
 * One actor, taken over again and again. Each owner reads, commits, takes snapshots and comes back under its kept writer,
 * while its writes are held back, land late or land unanswered; at some write it is overtaken, and goes on as long as it
 * can, like a process that was paused. Its answers count only before that: this is what a lease does.
 *
 * Returns what went wrong: answered histories that are no beginning of a later one, acknowledged entries that are gone,
 * snapshots that are of no history.
 */
export async function takeoverTrial(options: TrialOptions): Promise<readonly string[]> {
  const trial = new Trial(options)
  for (let epoch = 1; epoch <= options.takeovers + 1; epoch++) {
    await trial.reign(epoch)
    await options.between?.()
  }
  await trial.end()
  return trial.wrong
}

class Trial {
  readonly wrong: string[] = []
  readonly #options: TrialOptions
  readonly #sessions: HoldingSession[] = []
  readonly #running: Promise<void>[] = []
  #current = 0
  /** What was answered last: every later history begins with it. */
  #answered: readonly string[] = []

  constructor(options: TrialOptions) {
    this.#options = options
  }

  /** Ends the former owner's lease, then lets a new one live until it is to be overtaken itself. */
  async reign(epoch: number): Promise<void> {
    const { random, session: real, mischief = usual, broken } = this.#options
    this.#current = epoch
    const session = new HoldingSession(real, random, mischief)
    if (broken === 'lineage') session.neverAwaited = ({ query }) => query.includes('INTO lineages')
    this.#sessions.push(session)
    const life = this.#live(epoch, session)
    this.#running.push(life)
    await Promise.race([life, session.reached(1 + random.int(12))])
    for (const each of this.#sessions) await each.release(random.int(3) === 0 ? 60 : 0)
  }

  async end(): Promise<void> {
    const { session, actor } = this.#options
    // Owners that go on send more: all of it lands.
    let isOver = false
    const ending = Promise.all(this.#running).then(() => {
      isOver = true
    })
    while (!isOver) {
      for (const each of this.#sessions) await each.release()
      await Promise.race([ending, new Promise((resolve) => setImmediate(resolve))])
    }
    for (const each of this.#sessions) await each.release()
    for (let round = 1; round <= 2; round++) {
      this.#current = 1_000 + round
      const { journals } = storageOn(session, small)
      for (let attempt = 1; ; attempt++) {
        try {
          await this.#answer(
            this.#current,
            await journals.open(actor, { epoch: this.#current, attempt, mayKeepWriter: false }),
          )
          break
        } catch (error) {
          if (errorCode(error) !== 'STORE_UNAVAILABLE' || attempt === 50) throw error
        }
      }
    }
  }

  async #live(epoch: number, session: HoldingSession): Promise<void> {
    const { journals } = storageOn(session, small)
    let mayKeepWriter = false
    for (let attempt = 1; attempt <= 4; attempt++) {
      try {
        const opened = await journals.open(this.#options.actor, { epoch, attempt, mayKeepWriter })
        if (this.#isEnded(epoch)) return
        await this.#answer(epoch, opened)
        await this.#act(epoch, attempt, opened)
        opened.journal.close()
        mayKeepWriter = true
      } catch (error) {
        const code = errorCode(error)
        if (code === undefined || code === 'INTERNAL' || code === 'CORRUPT') this.wrong.push(`epoch ${epoch}: ${error}`)
        if (code === 'OVERTAKEN') return
        mayKeepWriter = false
      }
      if (this.#isEnded(epoch)) return
    }
  }

  /** Throws what ends an activation: its last commit may have an unknown outcome. */
  async #act(epoch: number, attempt: number, { journal, tail, snapshot }: OpenedJournal): Promise<void> {
    const { random } = this.#options
    let head = headOf(tail, snapshot?.position)
    for (let commit = 0; commit < 1 + random.int(3); commit++) {
      const entries = follow(
        head,
        Array.from({ length: 1 + random.int(3) }, (_, i) => `${epoch}.${attempt}.${commit}.${i}`),
      )
      for (let tries = 0; ; tries++) {
        try {
          await journal.commit({ entries, ...(random.int(4) === 0 && { before: { undelivered: true } }) })
          break
        } catch (error) {
          if (errorCode(error) === 'OVERTAKEN' || tries === 2) throw error
        }
      }
      if (this.#isEnded(epoch)) return
      head = headOf(entries)
      if (this.#counts(epoch)) this.#extend(epoch, facts(entries))
      if (random.int(3) === 0) await this.#snapshot(journal, head)
    }
  }

  async #snapshot(journal: Journal, position: { pts: number; ordinal: number }): Promise<void> {
    const state = Buffer.from(JSON.stringify(facts(await readAll(journal))))
    await journal.checkpoint({ snapshot: { position, version: 1, state }, rows: [], erased: [] })
  }

  /** An owner that has opened tells what it read. */
  async #answer(epoch: number, { journal, snapshot, tail }: OpenedJournal): Promise<void> {
    const history = facts(await readAll(journal))
    if (!this.#counts(epoch)) return
    if (snapshot) {
      const told = JSON.parse(Buffer.from(snapshot.state).toString()) as string[]
      const whole = [...told, ...facts(tail)]
      if (whole.join() !== history.join())
        this.wrong.push(`epoch ${epoch}: a snapshot of ${whole}, a history of ${history}`)
    }
    const { length } = this.#answered
    if (this.#answered.join() !== history.slice(0, length).join()) {
      this.wrong.push(`epoch ${epoch}: read ${history} after ${this.#answered} had been answered`)
    }
    this.#answered = history
  }

  #extend(epoch: number, added: readonly string[]): void {
    if (this.#options.broken === 'lease' && epoch !== this.#current) this.#answered = [...this.#answered, ...added]
    else if (epoch === this.#current) this.#answered = [...this.#answered, ...added]
  }

  #isEnded(epoch: number): boolean {
    return this.#options.looksAtLease === true && !this.#counts(epoch)
  }

  /** The lease: checked after everything that was waited for. */
  #counts(epoch: number): boolean {
    return epoch === this.#current || this.#options.broken === 'lease'
  }
}

/** Runs many trials at once and gathers what went wrong in any. */
export async function takeoverTrials(
  count: number,
  atOnce: number,
  run: (trial: number) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  const wrong: string[] = []
  let next = 0
  const runner = async () => {
    while (next < count) {
      const trial = next++
      for (const each of await run(trial)) wrong.push(`trial ${trial}: ${each}`)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, runner))
  return wrong
}
