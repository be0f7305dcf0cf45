import { type Long, TlReader } from '../../gateway/mtproto/testing/index.js'
import { Latencies, type LatencySummary } from '../measure/latency.js'
import { inBatches } from '../target/batches.js'
import { serve } from '../target/worker-port.js'
import { RawConnection } from './raw-connection.js'
import { RawSession } from './raw-session.js'
import { firstRequest, request, sendMessage } from './requests.js'

const CONNECT_AT_ONCE = 50
/** Stands around a message's number in its text, so that a push is matched without being parsed. */
const MARK = Buffer.from('~!~')
const NUMBER_DIGITS = 9
const MARKED_BYTES = 2 * MARK.length + NUMBER_DIGITS
const DRAIN_MS = 10_000
const MOST_TRIES = 20
/** After the last message of an open load was due. */
const ANSWER_WITHIN_MS = 60_000

export interface Person {
  readonly user: number
  readonly phone: string
  readonly key: Uint8Array
}

/** Someone who writes to a partner. */
interface Sender {
  readonly connection: RawConnection
  readonly partner: number
  readonly partnerHash: Long
}

export type Load =
  | { readonly mode: 'closed'; readonly inFlight: number; readonly seconds: number }
  | { readonly mode: 'open'; readonly rate: number; readonly seconds: number }

export interface LoadResult {
  readonly seconds: number
  readonly sent: number
  readonly answered: number
  readonly pushed: number
  readonly errors: Readonly<Record<string, number>>
  /** From the moment at which the message was due to its answer, and to the partner's having it. */
  readonly answer: LatencySummary
  readonly push: LatencySummary
}

/** One message as it went over the wire, without encryption. */
export interface WireSample {
  readonly request: Buffer
  readonly answer: Buffer
  readonly push: Buffer
}

const senders: Sender[] = []
/** When the message with this number was due, and whose it is. */
const due: number[] = []
const authors: number[] = []
let stopAtMs = Number.POSITIVE_INFINITY
let pushed = 0
let pushes = new Latencies()
let lastPush: Buffer | undefined

/**
 * One update may carry several messages. When its attachment is renewed a session may also be told what it sent itself and
 * has been answered: that is nobody's push.
 */
function heard(by: number, body: Buffer): void {
  for (let at = body.indexOf(MARK); at >= 0; at = body.indexOf(MARK, at + MARKED_BYTES)) {
    const number = Number(body.toString('latin1', at + MARK.length, at + MARK.length + NUMBER_DIGITS))
    if (authors[number] === by) continue
    pushed++
    pushes.record(performance.now() - due[number]!)
    lastPush = body
  }
}

function accessHashIn(resolved: Buffer): Long {
  const { users } = new TlReader(resolved).object() as unknown as { users: { accessHash: Long }[] }
  return users[0]!.accessHash
}

function nextMessage(index: number, dueMs: number): { readonly sender: Sender; readonly body: Buffer } {
  const author = index % senders.length
  const sender = senders[author]!
  const number = String(due.push(dueMs) - 1).padStart(NUMBER_DIGITS, '0')
  authors.push(author)
  const text = `${MARK}${number}${MARK} see you at the corner by the old library at half past six`
  return { sender, body: sendMessage(sender.partner, sender.partnerHash, text) }
}

/** Asks again when it is told to wait, as client libraries do. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask()
    } catch (error) {
      const wait = /FLOOD_WAIT_(\d+)/.exec((error as Error).message)
      if (wait === null || tries === MOST_TRIES) throw error
      await new Promise((resolve) => setTimeout(resolve, Number(wait[1]) * 1_000))
    }
  }
}

class Loading {
  readonly #answers = new Latencies()
  readonly #errors: Record<string, number> = {}
  readonly #started = performance.now()
  readonly #pushedBefore = pushed
  #sent = 0
  #answered = 0

  constructor() {
    pushes = new Latencies()
  }

  async send(dueMs: number): Promise<void> {
    const { sender, body } = nextMessage(this.#sent++, dueMs)
    try {
      await sender.connection.call(body)
      this.#answers.record(performance.now() - dueMs)
      this.#answered++
    } catch (error) {
      const { message } = error as Error
      this.#errors[message] = (this.#errors[message] ?? 0) + 1
    }
  }

  async closed(inFlight: number, untilMs: number): Promise<void> {
    const one = async () => {
      while (performance.now() < untilMs) await this.send(performance.now())
    }
    await Promise.all(Array.from({ length: inFlight }, one))
  }

  /** Messages leave when they are due, whatever became of those before: a slow server is not spared. */
  async open(rate: number, untilMs: number): Promise<void> {
    const pending: Promise<void>[] = []
    for (let now = performance.now(); now < Math.min(untilMs, stopAtMs); now = performance.now()) {
      const dueMs = () => this.#started + (this.#sent / rate) * 1000
      while (dueMs() <= now) pending.push(this.send(dueMs()))
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    const allEnded = Promise.all(pending).then(() => true)
    const isLate = new Promise<boolean>((resolve) => setTimeout(() => resolve(false), ANSWER_WITHIN_MS).unref())
    if (await Promise.race([allEnded, isLate])) return
    const failed = Object.values(this.#errors).reduce((sum, count) => sum + count, 0)
    this.#errors[`no answer within ${ANSWER_WITHIN_MS / 1_000} s`] = this.#sent - this.#answered - failed
  }

  async result(): Promise<LoadResult> {
    const seconds = (performance.now() - this.#started) / 1000
    const end = performance.now() + DRAIN_MS
    while (pushed - this.#pushedBefore < this.#answered && performance.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    return {
      seconds,
      sent: this.#sent,
      answered: this.#answered,
      pushed: pushed - this.#pushedBefore,
      errors: this.#errors,
      answer: this.#answers.summary('answer'),
      push: pushes.summary('push to the other'),
    }
  }
}

const duties = {
  /** Each writes to the next one, and the next one back. An even number of people. */
  async connect({ host, port, people }: { host: string; port: number; people: readonly Person[] }) {
    const found = new Map<number, Sender>()
    const indexes = people.map((_, index) => index)
    await inBatches(indexes, CONNECT_AT_ONCE, async (index) => {
      const partner = people[index ^ 1]!
      const key = Buffer.from(people[index]!.key)
      const connection = await RawConnection.open({ host, port }, new RawSession({ key }), {
        onUpdate: (body) => heard(index, body),
      })
      await patiently(() => connection.call(firstRequest({ _: 'updates.getState' })))
      const resolve = request({ _: 'contacts.resolvePhone', phone: partner.phone })
      const resolved = await patiently(() => connection.call(resolve))
      found.set(index, { connection, partner: partner.user, partnerHash: accessHashIn(resolved) })
    })
    for (const index of indexes) senders.push(found.get(index)!)
  },

  async load(load: Load): Promise<LoadResult> {
    stopAtMs = Number.POSITIVE_INFINITY
    const loading = new Loading()
    const untilMs = performance.now() + load.seconds * 1000
    if (load.mode === 'closed') await loading.closed(load.inFlight, untilMs)
    else await loading.open(load.rate, untilMs)
    return loading.result()
  },

  /** Ends a load of mode `open` before its time. */
  stop(): void {
    stopAtMs = performance.now()
  },

  async sample(): Promise<WireSample> {
    const { sender, body } = nextMessage(0, performance.now())
    lastPush = undefined
    const answer = await sender.connection.call(body)
    while (lastPush === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    return { request: body, answer: Buffer.from(answer), push: Buffer.from(lastPush) }
  },
}

export type LoadDuties = typeof duties

serve(duties)
