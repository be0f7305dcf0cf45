import { setTimeout as pause } from 'node:timers/promises'
import type { TelegramClient } from '@mtcute/node'
import { expect } from 'vitest'
import { mtcuteSender, type Sender } from '../crash/crash-load.js'
import { mtcuteClient, RawClient, RawRefusal, type ServerProcess, testPhone, waitUntil } from '../harness/index.js'
import { history } from '../harness/witness.js'

const backWithinMs = 60_000
const [annasName, bertsName] = ['anna_stores', 'bert_stores']

/**
 * Two who write to each other, and a third whose client sleeps nothing out, while a store fails:
 *
 * X1. Whoever is refused is told to wait (FLOOD_WAIT_X, X at most 10), which clients sleep out, and nothing else.
 * X2. What was acknowledged is there, once and in order, on both sides.
 * X3. When the store is back everything goes on by itself.
 */
export class Correspondence {
  readonly #anna: TelegramClient
  readonly #bert: TelegramClient
  readonly #prober: RawClient
  #senders: readonly Sender[] = []
  #refusals: unknown[] = []
  #isProbing = false
  #probing: Promise<void> = Promise.resolve()
  #round = 0

  private constructor(anna: TelegramClient, bert: TelegramClient, prober: RawClient) {
    this.#anna = anna
    this.#bert = bert
    this.#prober = prober
  }

  static async on(server: ServerProcess): Promise<Correspondence> {
    const anna = await mtcuteClient(server, { phone: testPhone(1), username: annasName })
    const bert = await mtcuteClient(server, { phone: testPhone(2), username: bertsName })
    const prober = await RawClient.connect(server, { layer: 228 })
    await prober.logIn(testPhone(3))
    return new Correspondence(anna, bert, prober)
  }

  /** Refusals of the one that does not sleep, since `begin`. */
  get refused(): number {
    return this.#refusals.length
  }

  /** All write, and get on. */
  async begin(probes = true): Promise<void> {
    const round = `round ${++this.#round}`
    this.#senders = [
      mtcuteSender(this.#anna, `anna, ${round},`, bertsName),
      mtcuteSender(this.#bert, `bert, ${round},`, annasName),
    ]
    this.#refusals = []
    this.#isProbing = probes
    this.#probing = this.#probe()
    await this.goesOn()
  }

  /** Each has five more messages acknowledged. */
  async goesOn(): Promise<void> {
    const goals = this.#senders.map(({ acknowledged }) => acknowledged.length + 5)
    await waitUntil(
      'both get on',
      () => this.#senders.every((sender, at) => sender.acknowledged.length >= goals[at]!),
      backWithinMs,
    )
  }

  async end(): Promise<void> {
    this.#isProbing = false
    await Promise.all([this.#probing, ...this.#senders.map((sender) => sender.stop())])
  }

  /** X1 to X3, after which nobody writes any more. */
  async expectAllOnce(): Promise<void> {
    await this.goesOn()
    await this.end()
    const annas = (await history(this.#anna, bertsName)).map(({ text }) => text)
    const berts = (await history(this.#bert, annasName)).map(({ text }) => text)
    expect(berts).toEqual(annas)
    for (const { acknowledged } of this.#senders) {
      const wanted = new Set(acknowledged)
      expect(annas.filter((text) => wanted.has(text))).toEqual(acknowledged)
    }
    for (const refusal of this.#refusals) {
      expect(refusal).toBeInstanceOf(RawRefusal)
      expect((refusal as RawRefusal).message).toMatch(/^FLOOD_WAIT_([1-9]|10)$/)
    }
  }

  /** Waits for nobody: a store that does not come back would keep the writers. */
  async dispose(): Promise<void> {
    this.#isProbing = false
    await this.#prober.end()
    await Promise.all([this.#anna.destroy(), this.#bert.destroy()])
  }

  /** Every draft is a write of its own. */
  async #probe(): Promise<void> {
    for (let count = 1; this.#isProbing; count++) {
      const save = { _: 'messages.saveDraft', peer: { _: 'inputPeerSelf' }, message: `draft ${count}` }
      await this.#prober.call(save).catch((error: unknown) => this.#refusals.push(error))
      await pause(50)
    }
  }
}
