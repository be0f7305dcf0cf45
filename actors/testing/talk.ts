import { refusalReason } from '../../runtime/index.js'
import { chatActor } from '../chat/actor.js'
import { type ChatId, groupChat } from '../chat/chat-id.js'
import { Chat, type Outcome } from '../chat/contract.js'
import { type LaneItem, User } from '../user/contract.js'
import { chatOf, fakeBox, itemOf, Trouble } from './fake-box.js'
import { World } from './world.js'

export const ORIGIN = { authKey: '00', session: '11' }

/** People who talk through one node. */
export class Talk {
  readonly trouble = new Trouble()
  readonly world: World
  #ops = 0

  constructor(seed = 1) {
    this.world = new World(
      ({ clock, random }) => [chatActor({ clock, random, limits: { keptEntries: 8 } }), fakeBox(this.trouble)],
      seed,
    )
  }

  static async start(seed = 1): Promise<Talk> {
    const talk = new Talk(seed)
    await talk.world.start()
    return talk
  }

  chat(id: ChatId) {
    return this.world.node.ref(Chat, id)
  }

  op(): string {
    return `r${++this.#ops}`
  }

  asked(by: number, op = this.op()) {
    return { by, op, origin: ORIGIN }
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.until(promise)
  }

  async say(chat: ChatId, by: number, text: string, op = this.op()): Promise<Outcome> {
    const [outcome] = await this.until(this.chat(chat).post(draft(by, text, op)))
    if (!outcome) throw new Error('no outcome')
    return outcome
  }

  async group(creator: number, members: readonly number[], id = 5): Promise<ChatId> {
    const chat = groupChat(id)
    await this.until(this.chat(chat).create({ ...this.asked(creator), title: 'A group', members }))
    return chat
  }

  /** What a box holds of a chat, once nothing more comes. */
  async box(user: number, chat: ChatId): Promise<readonly LaneItem[]> {
    const changes = await this.until(this.world.node.ref(User, user).drafts())
    return changes.filter((change) => chatOf(change) === chat).map(itemOf)
  }

  async texts(user: number, chat: ChatId): Promise<readonly string[]> {
    return (await this.box(user, chat)).flatMap((item) => textOf(item) ?? [])
  }

  /** Waits until the box holds entry `n`. */
  async delivered(user: number, chat: ChatId, n: number): Promise<void> {
    await this.world.waitFor(async () => (await this.until(this.world.node.ref(User, user).lane(chat))) >= n)
  }

  async refused(promise: Promise<unknown>): Promise<string | undefined> {
    return this.until(
      promise.then(
        () => undefined,
        (error) => refusalReason(error) ?? String(error),
      ),
    )
  }
}

export function draft(by: number, text: string, op: string) {
  return { by, origin: ORIGIN, drafts: [{ body: Buffer.from(text), op }] }
}

function textOf(item: LaneItem): string | undefined {
  return item.type === 'message' && !item.action ? Buffer.from(item.body).toString() : undefined
}
