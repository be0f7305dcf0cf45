import { setTimeout as pause } from 'node:timers/promises'
import { type ChatId, groupChat, privateChat } from '../../actors/chat/chat-id.js'
import { DEFAULT_SHARD_COUNT, shardOf } from '../../runtime/index.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import type { Door, Front } from '../cluster/front.js'
import type { Call } from './call.js'
import { gramjsPerson, mtcutePerson, type Person } from './person.js'
import { type Talk, talk } from './talk.js'

export interface CrowdOptions {
  readonly front: Front
  readonly publicKeyPem: string
  /** People with mtcute; one more has GramJS. */
  readonly people: number
  /** Of each person in each chat: see TalkOptions. */
  readonly everyMs: number
}

const names = ['anna', 'bert', 'carl', 'dora', 'emil', 'fay', 'gina']
const answeredWithinMs = 180_000

/** People who write to each other all the time, each pair of them and all in one group. */
export class Crowd {
  readonly people: readonly Person[]
  readonly doors: ReadonlyMap<string, Door>
  readonly chats: readonly ChatId[]
  readonly talks: readonly Talk[]
  /** How the library of those who are in the group calls it. */
  readonly group: number

  private constructor(
    people: readonly Person[],
    doors: ReadonlyMap<string, Door>,
    group: number,
    talks: readonly Talk[],
  ) {
    this.people = people
    this.doors = doors
    this.group = group
    this.talks = talks
    this.chats = [...new Set(talks.map(({ chat }) => chat))]
  }

  static async gather({ front, publicKeyPem, people: count, everyMs }: CrowdOptions): Promise<Crowd> {
    const doors = new Map<string, Door>()
    const newcomer = async (nth: number) => {
      const name = names[nth]!
      const door = await front.door(nth)
      doors.set(name, door)
      return { name, account: nth + 1, target: { mtproto: door, http: door, publicKeyPem } }
    }
    const founder = await mtcutePerson(await newcomer(0))
    const people: Person[] = [founder]
    for (let nth = 1; nth < count; nth++) people.push(await mtcutePerson(await newcomer(nth)))
    people.push(await gramjsPerson(await newcomer(count)))
    const group = await founder.createGroup(
      'chaos',
      people.slice(1).map(({ username }) => username),
    )
    await allAreTold(people, group)
    const talks = people.flatMap((person) => talksOf(person, people, group, everyMs))
    return new Crowd(people, doors, group, talks)
  }

  get calls(): readonly Call[] {
    return this.talks.flatMap(({ calls }) => calls)
  }

  /** The members of a chat, by name. */
  membersOf(chat: ChatId): readonly Person[] {
    return this.people.filter((person) => this.talks.some((each) => each.chat === chat && each.sender === person.name))
  }

  /** The shards that a message into the chat goes through before it is acknowledged: the chat's and the sender's. */
  shardsOf({ chat, sender }: Pick<Call, 'chat' | 'sender'>): readonly number[] {
    const person = this.people.find(({ name }) => name === sender)!
    return [shardOf('chat', chat, DEFAULT_SHARD_COUNT), shardOf('user', String(person.id), DEFAULT_SHARD_COUNT)]
  }

  /** Waits until everybody has had so many messages acknowledged in each chat that were sent from now on. */
  async answered(messages: number): Promise<void> {
    const sinceMs = performance.now()
    const isAnswered = ({ calls }: Talk) => {
      let answered = 0
      for (let nth = calls.length - 1; nth >= 0 && calls[nth]!.startMs >= sinceMs; nth--) {
        if (calls[nth]!.ackMs !== undefined) answered++
      }
      return answered >= messages
    }
    await waitUntil(`everybody got ${messages} answered`, () => this.talks.every(isAnswered), answeredWithinMs).catch(
      (error) => {
        const silent = this.talks.filter((each) => !isAnswered(each)).map(({ sender, chat }) => `${sender} in ${chat}`)
        throw new Error(`not answered: ${silent.join(', ')}`, { cause: error })
      },
    )
  }

  /** Resolves when all that was sent is acknowledged. */
  async stop(): Promise<void> {
    await Promise.all(this.talks.map((each) => each.stop()))
  }

  async leave(): Promise<void> {
    for (const each of this.talks) each.abandon()
    await Promise.all(this.people.map((person) => person.leave()))
  }
}

/** A library that has just logged in asks for its state, and is told nothing of what came before the answer. */
async function allAreTold(people: readonly Person[], group: number): Promise<void> {
  const [founder, other] = people
  const areTold = () => people.every(({ heard }) => heard?.some(({ text }) => text.startsWith('hello ')) !== false)
  for (let nth = 1; !areTold(); nth++) {
    // A device may not be told of what it sent itself.
    for (const each of [founder, other]) await each?.message(group, `hello ${nth} of ${each.name}`)()
    await pause(200)
  }
}

function talksOf(person: Person, people: readonly Person[], group: number, everyMs: number): Talk[] {
  const others = people.filter((each) => each !== person)
  const inPairs = others.map((other) =>
    talk({
      ...{ sender: person.name, chat: privateChat(person.id, other.id), everyMs },
      message: (text) => person.message(other.username, text),
    }),
  )
  const inGroup = talk({
    ...{ sender: person.name, chat: groupChat(Math.abs(group)), everyMs },
    message: (text) => person.message(group, text),
  })
  return [...inPairs, inGroup]
}
