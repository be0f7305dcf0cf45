import { setTimeout as pause } from 'node:timers/promises'
import { randomLong } from '@mtcute/core/utils.js'
import type { TelegramClient as MtcuteClient } from '@mtcute/node'
import bigInt from 'big-integer'
import { Api, type TelegramClient as GramjsClient } from 'telegram'

/** Sends until stopped, each message under one random_id until it is acknowledged, as an application would. */
export interface Sender {
  /** The texts that the server said are stored, in order. */
  readonly acknowledged: readonly string[]
  /** Tries that failed: each was made again. */
  readonly failures: readonly unknown[]
  /** Ends after the message that is under way is acknowledged. */
  stop(): Promise<void>
}

type RandomId = ReturnType<typeof randomLong>

/** Between tries of one message; nothing is waited for. */
const betweenTriesMs = 50

/** Through mtcute, which repeats over reconnects by itself. */
export function mtcuteSender(client: MtcuteClient, name: string, peer: string | number): Sender {
  return sender(name, (text, randomId) => client.sendText(peer, text, { randomId }))
}

/** Through GramJS, whose calls fail when the connection does. */
export function gramjsSender(client: GramjsClient, name: string, peer: string): Sender {
  return sender(name, (message, randomId) =>
    client.invoke(new Api.messages.SendMessage({ peer, message, randomId: bigInt(randomId.toString()) })),
  )
}

function sender(name: string, send: (text: string, randomId: RandomId) => Promise<unknown>): Sender {
  const acknowledged: string[] = []
  const failures: unknown[] = []
  let isStopped = false

  async function isSent(text: string, randomId: RandomId): Promise<boolean> {
    try {
      await send(text, randomId)
      return true
    } catch (error) {
      failures.push(error)
      await pause(betweenTriesMs)
      return false
    }
  }

  async function run(): Promise<void> {
    for (let count = 1; !isStopped; count++) {
      const text = `${name} ${count}`
      const randomId = randomLong()
      while (!(await isSent(text, randomId)));
      acknowledged.push(text)
    }
  }

  const running = run()
  return {
    acknowledged,
    failures,
    async stop() {
      isStopped = true
      await running
    },
  }
}
