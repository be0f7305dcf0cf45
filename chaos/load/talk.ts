import { setTimeout as pause } from 'node:timers/promises'
import type { ChatId } from '../../actors/chat/chat-id.js'
import type { Call } from './call.js'

/** Somebody who sends into one chat, one message after the other, until stopped. */
export interface Talk {
  readonly sender: string
  readonly chat: ChatId
  readonly calls: readonly Call[]
  /** Resolves when what is under way is acknowledged. */
  stop(): Promise<void>
  /** What is under way is not tried again. */
  abandon(): void
}

export interface TalkOptions {
  readonly sender: string
  readonly chat: ChatId
  /** From one acknowledgement to the next message; drawn between half of it and one and a half. */
  readonly everyMs: number
  /** Sends it under a random_id of its own: the same for each `try`. Rejects when the library gives up. */
  readonly message: (text: string) => () => Promise<unknown>
}

const betweenTriesMs = 100
/** A library may lose a call with its connection; then whoever sends tries again, as a person would. */
const patienceMs = 20_000

function within<T>(ms: number, answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`no answer within ${ms} ms`)), ms)
    answer.then(resolve, reject).finally(() => clearTimeout(late))
  })
}

export function talk({ sender, chat, everyMs, message }: TalkOptions): Talk {
  const calls: Call[] = []
  const stopping = new AbortController()
  let isAbandoned = false
  const rest = (ms: number) => pause(ms, undefined, { signal: stopping.signal }).catch(() => undefined)

  async function say(call: Call): Promise<void> {
    const send = message(call.text)
    while (!isAbandoned) {
      try {
        await within(patienceMs, send())
        call.ackMs = performance.now()
        return
      } catch (error) {
        call.failures.push({ atMs: performance.now(), reason: String(error) })
        await pause(betweenTriesMs)
      }
    }
  }

  async function run(): Promise<void> {
    for (let count = 1; ; count++) {
      await rest(everyMs * (0.5 + Math.random()))
      if (stopping.signal.aborted) return
      const call: Call = { sender, chat, text: `${sender} ${chat} ${count}`, startMs: performance.now(), failures: [] }
      calls.push(call)
      await say(call)
    }
  }

  const running = run()
  return {
    sender,
    chat,
    calls,
    async stop() {
      stopping.abort()
      await running
    },
    abandon() {
      isAbandoned = true
      stopping.abort()
    },
  }
}
