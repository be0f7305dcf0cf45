import { setTimeout as pause } from 'node:timers/promises'
import { networkMiddlewares } from '@mtcute/core'
import { randomLong } from '@mtcute/core/utils.js'
import bigInt from 'big-integer'
import { Api, type TelegramClient } from 'telegram'
import { gramjsClient } from '../../test/harness/gramjs-client.js'
import { type ClientTarget, testPhone } from '../../test/harness/login.js'
import { mtcuteClient } from '../../test/harness/mtcute-client.js'
import type { Refusal } from './call.js'

/** A message that reached a device by itself: pushed, or with the difference after a gap. */
export interface Heard {
  readonly text: string
  readonly atMs: number
}

/** Somebody with an account and one device, an unmodified client. */
export interface Person {
  readonly name: string
  readonly username: string
  readonly account: number
  readonly id: number
  /** Undefined of a library that does not fetch by itself what it missed. */
  readonly heard: readonly Heard[] | undefined
  readonly refusals: readonly Refusal[]
  /** `peer`: a username, or the number of a basic group as the library marks it. */
  message(peer: string | number, text: string): () => Promise<unknown>
  leave(): Promise<void>
}

export interface Newcomer {
  readonly name: string
  readonly account: number
  readonly target: ClientTarget
}

const usernameOf = (name: string) => `${name}_chaos`

/** Only mtcute people make the group. */
export interface Founder extends Person {
  createGroup(title: string, usernames: readonly string[]): Promise<number>
}

export async function mtcutePerson({ name, account, target }: Newcomer): Promise<Founder> {
  const heard: Heard[] = []
  const refusals: Refusal[] = []
  const watching = networkMiddlewares.onRpcError((context, error) => {
    refusals.push({
      atMs: performance.now(),
      method: context.request._,
      error: `${error.errorCode} ${error.errorMessage}`,
    })
  })
  const client = await mtcuteClient(target, {
    phone: testPhone(account),
    // The library's own, with a listener below them: what they hide by trying again is seen.
    client: { logLevel: 0, network: { middlewares: [...networkMiddlewares.basic(), watching] } },
  })
  client.onNewMessage.add(({ text }) => void heard.push({ text, atMs: performance.now() }))
  await client.setMyUsername(usernameOf(name))
  const { id } = await client.getMe()
  return {
    ...{ name, username: usernameOf(name), account, id, heard, refusals },
    message(peer, text) {
      const randomId = randomLong()
      return () => client.sendText(peer, text, { randomId })
    },
    async createGroup(title, usernames) {
      const { chat } = await client.createGroup({ title, users: [...usernames] })
      return chat.id
    },
    leave: () => client.destroy(),
  }
}

export async function gramjsPerson({ name, account, target }: Newcomer): Promise<Person> {
  const client = await gramjsClient(target, { phone: testPhone(account) })
  await client.invoke(new Api.account.UpdateUsername({ username: usernameOf(name) }))
  const me = await client.getMe()
  return {
    ...{ name, username: usernameOf(name), account, id: Number(me.id), heard: undefined, refusals: [] },
    message(peer, text) {
      const randomId = bigInt(randomLong().toString())
      const to = typeof peer === 'number' ? new Api.InputPeerChat({ chatId: bigInt(Math.abs(peer)) }) : peer
      return async () => {
        await connectedAgain(client)
        return client.invoke(new Api.messages.SendMessage({ peer: to, message: text, randomId }))
      }
    },
    leave: () => client.destroy(),
  }
}

/**
 * GramJS 2.26.22 waits a second before it dials again, and clears its queue then (`MTProtoSender._reconnect`): of what it
 * is asked meanwhile, all but the first is never sent to anybody. Who uses it does not ask then.
 */
async function connectedAgain(client: TelegramClient): Promise<void> {
  while (client._sender?.isReconnecting === true) await pause(50)
}
