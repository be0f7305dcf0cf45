import { groupChat, privateChat } from '../../../actors/chat/chat-id.js'
import { actorDefinitions, Chat, encodeBody, User } from '../../../actors/index.js'
import { type ActorSystem, createActorSystem, systemClock, systemRandom } from '../../../runtime/index.js'
import { type EmbeddedStorage, openEmbeddedStorage } from '../../../storage/index.js'

const origin = { authKey: '00', session: '11' }
const nothing = () => undefined
const silent = {
  log: { debug: nothing, info: nothing, warn: nothing, error: nothing },
  metrics: {
    ...{ call: nothing, turn: nothing, queueDepth: nothing },
    ...{ activation: nothing, refusal: nothing, commit: nothing },
  },
}

const people = [1001, 1002, 1003, 1004] as const
/** A text that was deleted for everyone: nowhere in the data any more. */
export const erasedText = 'never to be read again'

/**
 * Makes a data directory with something of everything: private chats, a group, edits, deletions whose bodies are erased,
 * reads, reactions, pins, a draft, a scheduled message with its reminder, names, account rows.
 */
export async function makeSampleData(directory: string, messages: number): Promise<void> {
  const clock = systemClock
  const storage = await openEmbeddedStorage({ directory, clock, log: silent.log })
  const refused = () => Promise.reject(new Error('nobody logs in here'))
  const system = createActorSystem({
    actors: actorDefinitions({
      chat: { clock, random: systemRandom },
      records: storage,
      loginCodes: {
        delivery: { deliver: refused },
        names: { owner: refused },
        random: systemRandom,
        testNumbers: true,
      },
    }),
    ...{ clock, random: systemRandom, ...silent },
    journals: storage.journals,
    agenda: storage.agenda,
    ownership: storage.ownership,
    localValues: 'cross',
  })
  await system.start()
  await new Talk(system).run(messages)
  await putNames(storage)
  await system.stop()
  await storage.close()
}

async function putNames({ directory, names, accounts }: EmbeddedStorage): Promise<void> {
  for (const [kind, name] of [
    ['username', 'anna_sample'],
    ['phone', '15551001'],
  ] as const) {
    const { token } = await directory.reserve({ kind, name, user: 1001, atMs: 1_700_000_000_000 })
    await directory.confirm({ kind, name, user: 1001, token })
  }
  await directory.reserve({ kind: 'username', name: 'reserved_only', user: 1003, atMs: 1_700_000_000_000 })
  const { token } = await directory.reserve({ kind: 'username', name: 'given_up', user: 1002, atMs: 5_000 })
  await directory.release({ kind: 'username', name: 'given_up', user: 1002, upTo: token })
  await names.put('Anna_Sample', 1001)
  await accounts.put({
    id: 9001,
    version: { pts: 3, ordinal: 1 },
    ...{ firstName: 'Anna', lastName: 'Änders', about: '', username: 'Anna_Sample', phone: '15551001', photo: '' },
    ...{ premium: false, deleted: false, homeDc: 2, seenAtMs: 0 },
  })
}

class Talk {
  readonly #system: ActorSystem
  #op = 0

  constructor(system: ActorSystem) {
    this.#system = system
  }

  async run(messages: number): Promise<void> {
    const [anna, bert, carl, dora] = people
    for (const id of people) {
      const profile = { firstName: `Person ${id}`, lastName: '', about: '' }
      await this.#user(id).register({ phone: `1555${id}`, profile })
    }
    const group = groupChat(2048)
    const hold = this.#chat(group)
    await hold.create({ ...this.#asked(anna), title: 'Sample', members: [bert, carl, dora] })
    for (let i = 0; i < messages; i++) {
      await this.#say(privateChat(anna, bert), i % 2 ? anna : bert, `private ${i}`)
      await this.#say(group, people[i % people.length]!, `in the group ${i} ${'x'.repeat(i % 300)}`)
    }
    const pair = this.#chat(privateChat(anna, bert))
    const secret = await this.#say(privateChat(anna, bert), anna, erasedText)
    const kept = await this.#say(privateChat(anna, bert), anna, 'first wording')
    await pair.edit({ ...this.#asked(anna), target: kept, body: encodeBody({ text: 'second wording' }) })
    await pair.react({ ...this.#asked(bert), target: kept, reactions: ['+'] })
    await pair.pin({ ...this.#asked(anna), target: kept, pinned: true, silent: true, onlyForMe: false })
    await pair.read({ ...this.#asked(bert), upTo: kept })
    await pair.delete({ ...this.#asked(anna), targets: [secret] })
    const draft = { body: encodeBody({ text: 'scheduled' }) }
    await hold.schedule({ ...this.#asked(dora), draft, dueAtMs: systemClock.now() + 86_400_000 })
    await hold.removeMember({ ...this.#asked(anna), user: carl, revokeHistory: false })
    const peer = { kind: 'user', id: bert } as const
    await this.#user(anna).saveDraft({ peer, body: encodeBody({ text: 'not sent yet' }), origin })
    const card = { firstName: 'Bert', lastName: '', phone: `1555${bert}` }
    await this.#user(anna).putContacts({ contacts: [{ user: bert, card }], origin })
    await this.#user(dora).setBlocked({ user: bert, blocked: true, origin })
  }

  async #say(chat: ReturnType<typeof groupChat>, by: number, text: string): Promise<number> {
    const drafts = [{ op: this.#asked(by).op, body: encodeBody({ text }) }]
    const [outcome] = await this.#chat(chat).post({ by, origin, drafts })
    return outcome?.n ?? 0
  }

  #asked(by: number) {
    return { by, op: `r${(++this.#op).toString(16).padStart(16, '0')}`, origin }
  }

  #user(id: number) {
    return this.#system.ref(User, id)
  }

  #chat(id: ReturnType<typeof groupChat>) {
    return this.#system.ref(Chat, id)
  }
}
