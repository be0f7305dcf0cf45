/**
 * Commands to Redis, for callers who can do without the answer.
 *
 * L1. `ask` never rejects. A reply that did not come in time, or at all, is undefined; Redis's nil is null.
 * L2. Nothing waits for a connection: what cannot be sent now is unknown now.
 * L3. Commands under way are bounded, those whose caller no longer waits included.
 * L4. A server that failed several times in a row is asked once in a while only (circuit-breaker.ts), each of a cluster by
 *     itself.
 */
import type { ActorLog, Clock } from '../../runtime/index.js'
import { type BreakerLimits, CircuitBreaker } from './circuit-breaker.js'
import type { RedisClient, Reply } from './redis-client.js'
import { type RedisCommand, toWire, type Wire } from './redis-command.js'

export interface LinkLimits extends BreakerLimits {
  /** Of a round trip; a batch has `perArgumentMs` more for each of its keys and arguments, so that a large one is no failure. */
  readonly timeoutMs: number
  readonly perArgumentMs: number
  readonly inFlight: number
  /** Writes that Redis refuses are logged so often at most. */
  readonly complainEveryMs: number
}

export interface LinkFigures {
  readonly asked: number
  readonly unknown: number
  readonly refused: number
  readonly answers: boolean
}

const TOO_LATE = Symbol('too late')

export class RedisLink {
  readonly #client: RedisClient
  readonly #clock: Clock
  readonly #log: ActorLog
  readonly #limits: LinkLimits
  readonly #breakers = new Map<string, CircuitBreaker>()
  #inFlight = 0
  #closed = false
  #asked = 0
  #unknown = 0
  #refused = 0
  #complainedAtMs = Number.NEGATIVE_INFINITY
  #lastError: Error | undefined
  #connectionError: Error | undefined

  constructor(client: RedisClient, clock: Clock, log: ActorLog, limits: LinkLimits) {
    this.#client = client
    this.#clock = clock
    this.#log = log
    this.#limits = limits
  }

  figures(): LinkFigures {
    const answers = !this.#closed && [...this.#breakers.values()].every(({ isOpen }) => !isOpen)
    return { asked: this.#asked, unknown: this.#unknown, refused: this.#refused, answers }
  }

  /** The client's own errors, which say why there is no connection: each is told once until there is one. */
  noteError(error: Error): void {
    if (this.#closed || this.#connectionError?.message === error.message) return
    this.#connectionError = error
    this.#log.warn({ err: error }, 'no connection to Redis')
  }

  async ask(commands: readonly RedisCommand[]): Promise<readonly unknown[]> {
    this.#asked += commands.length
    const replies: unknown[] = new Array(commands.length).fill(undefined)
    const isRoom = !this.#closed && this.#inFlight + commands.length <= this.#limits.inFlight
    const groups = isRoom ? [...this.#byServer(commands)] : []
    await Promise.all(groups.map(([server, ats]) => this.#askServer(server, commands, ats, replies)))
    for (const reply of replies) if (reply === undefined) this.#unknown++
    return replies
  }

  close(): void {
    this.#closed = true
    this.#client.close()
  }

  #byServer(commands: readonly RedisCommand[]): ReadonlyMap<string, number[]> {
    const groups = new Map<string, number[]>()
    for (const [at, { keys }] of commands.entries()) {
      const server = this.#client.serverOf(keys[0] ?? '')
      const group = groups.get(server)
      if (group) group.push(at)
      else groups.set(server, [at])
    }
    return groups
  }

  async #askServer(
    server: string,
    commands: readonly RedisCommand[],
    ats: readonly number[],
    replies: unknown[],
  ): Promise<void> {
    if (!this.#breaker(server).lets()) return
    const { timeoutMs, perArgumentMs } = this.#limits
    const count = ats.reduce((sum, at) => sum + commands[at]!.keys.length + commands[at]!.args.length, 0)
    const untilMs = this.#clock.monotonic() + timeoutMs + count * perArgumentMs
    const wires = (which: readonly number[], whole: boolean) => which.map((at) => toWire(commands[at]!, whole))
    const unloaded = await this.#exchange(server, wires(ats, false), ats, replies, untilMs)
    if (unloaded.length > 0) await this.#exchange(server, wires(unloaded, true), unloaded, replies, untilMs)
  }

  /** Fills `replies` at `ats`; gives those whose script the server does not know. */
  async #exchange(
    server: string,
    wires: readonly Wire[],
    ats: readonly number[],
    replies: unknown[],
    untilMs: number,
  ): Promise<readonly number[]> {
    this.#inFlight += wires.length
    const answered = this.#client.send(wires).catch((error: Error) => wires.map((): Reply => ({ error })))
    void answered.then(() => {
      this.#inFlight -= wires.length
    })
    const given = await this.#inTime(answered, untilMs)
    if (given === undefined) {
      this.#lastError = new Error(`no answer within ${this.#limits.timeoutMs} ms`)
      this.#failed(server)
      return []
    }
    const unloaded: number[] = []
    let isThere = false
    for (const [index, reply] of given.entries()) {
      isThere ||= 'value' in reply || isAnswer(reply.error)
      if ('value' in reply) replies[ats[index]!] = reply.value
      else if (reply.error.message.startsWith('NOSCRIPT')) unloaded.push(ats[index]!)
      else this.#errorSaid(reply.error)
    }
    if (isThere) this.#succeeded(server)
    else this.#failed(server)
    return unloaded
  }

  async #inTime<T>(promise: Promise<T>, untilMs: number): Promise<T | undefined> {
    let late: () => void = () => {}
    const tooLate = new Promise<typeof TOO_LATE>((resolve) => {
      late = () => resolve(TOO_LATE)
    })
    const timer = this.#clock.setTimer(Math.max(0, untilMs - this.#clock.monotonic()), () => late())
    const first = await Promise.race([promise, tooLate])
    timer.cancel()
    return first === TOO_LATE ? undefined : (first as T)
  }

  #errorSaid(error: Error): void {
    this.#lastError = error
    if (!isAnswer(error)) return
    this.#refused++
    const nowMs = this.#clock.monotonic()
    if (nowMs - this.#complainedAtMs < this.#limits.complainEveryMs) return
    this.#complainedAtMs = nowMs
    this.#log.warn({ err: error }, 'Redis refuses commands; going on without')
  }

  #breaker(server: string): CircuitBreaker {
    let breaker = this.#breakers.get(server)
    if (!breaker) {
      // Servers come and go with the cluster's layout; what a gone one did is of no interest.
      if (this.#breakers.size >= MAX_SERVERS) this.#breakers.clear()
      breaker = new CircuitBreaker(this.#clock, this.#limits)
      this.#breakers.set(server, breaker)
    }
    return breaker
  }

  #succeeded(server: string): void {
    this.#connectionError = undefined
    if (this.#breaker(server).succeeded()) this.#log.info({ server }, 'Redis answers again')
  }

  #failed(server: string): void {
    if (!this.#breaker(server).failed()) return
    // Without a connection, what keeps it from coming about says more than that there is none.
    const err = this.#connectionError ?? this.#lastError
    this.#log.warn({ server, err }, 'Redis does not answer; going on without it')
  }
}

const MAX_SERVERS = 1_000

/** The server is there, and said no: it is full, may not write, or does not know what was asked. */
function isAnswer({ name, message }: Error): boolean {
  return name === 'ReplyError' && !/^(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|MOVED|ASK|BUSY)\b/.test(message)
}
