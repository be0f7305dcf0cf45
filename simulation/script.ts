import { type ChatId, groupChat, type Peer, peerOfChat, privateChat } from '../actors/chat/chat-id.js'
import type { Chat, Origin, Outcome } from '../actors/chat/contract.js'
import { encodeBody } from '../actors/message/body.js'
import type { BoxChange } from '../actors/user/changes.js'
import { type Ref, refuse } from '../runtime/index.js'
import { type Affair, affairs, attend, type Means } from './affairs.js'
import type { Device } from './device.js'
import type { Dice } from './dice.js'
import type { Scope } from './front.js'
import type { Sending } from './ledger.js'
import type { World } from './world.js'

const WEIGHTS = {
  send: 40,
  sendTwice: 10,
  sendMany: 5,
  schedule: 3,
  edit: 10,
  react: 9,
  read: 12,
  revoke: 6,
  deleteOwn: 3,
  clearHistory: 1,
  revokeHistory: 1,
  pin: 4,
  draft: 6,
  dialog: 4,
  readMentions: 2,
  members: 6,
  title: 2,
  block: 2,
  disconnect: 8,
  fossil: 6,
  ...affairs,
}
type Action = keyof typeof WEIGHTS
type OnMessage =
  | 'edit'
  | 'react'
  | 'read'
  | 'revoke'
  | 'deleteOwn'
  | 'clearHistory'
  | 'revokeHistory'
  | 'pin'
  | 'readMentions'

const REACTIONS = ['+', '-', '!']

/** What the person behind one device does: random actions, one after the other, some of them at once. */
export class Script {
  readonly #world: World
  readonly #device: Device
  readonly #dice: Dice
  readonly #part: string
  #operations = 0
  readonly #besides: Promise<unknown>[] = []

  /** `part`: tells what this script says and draws from what another of the same device does. */
  constructor(world: World, device: Device, part = '') {
    this.#world = world
    this.#device = device
    this.#part = part
    this.#dice = world.diceFor(`script ${device.name}${part}`)
  }

  sayOne(): Promise<void> {
    return this.#send(1)
  }

  /** Resolves when every action was answered. */
  async run(): Promise<void> {
    const { settings, time } = this.#world
    for (let i = 0; i < settings.actionsPerDevice; i++) {
      await time.pause(this.#dice.within(0, settings.longestThoughtMs))
      const action = this.#act(this.#dice.weighted(WEIGHTS))
      if (this.#dice.chance(0.3)) this.#besides.push(Promise.resolve(action))
      else await action
    }
    await Promise.all(this.#besides)
  }

  /** Makes a group of all accounts but perhaps one. */
  async createGroup(id: number): Promise<void> {
    const others = this.#others().filter((_, index) => index === 0 || this.#dice.chance(0.7))
    const chat = groupChat(id)
    await this.#ask(`create ${chat}`, chat, (ref, asked) => ref.create({ ...asked, title: `g${id}`, members: others }))
  }

  #act(action: Action): Promise<void> | void {
    switch (action) {
      case 'send':
        return this.#send(1)
      case 'sendTwice':
        return this.#send(1, 2)
      case 'sendMany':
        return this.#send(this.#dice.between(2, 4), this.#dice.between(1, 2))
      case 'schedule':
        return this.#schedule()
      case 'disconnect':
        return this.#device.disconnect(this.#dice.within(1, 400))
      case 'fossil': {
        if (this.#device.fossils.length < 3) this.#device.fossils.push(this.#device.replica.copy())
        return
      }
      case 'draft':
        return this.#draft()
      case 'dialog':
        return this.#dialog()
      case 'block':
        return this.#block()
      case 'members':
      case 'title':
        return this.#group(action)
      default:
        return isAffair(action) ? this.#attend(action) : this.#onMessage(action)
    }
  }

  async #attend(affair: Affair): Promise<void> {
    await attend(affair, this.#means)
  }

  get #means(): Means {
    return {
      user: this.#device.user,
      others: this.#others(),
      groups: this.#world.settings.groups,
      dice: this.#dice,
      anyChat: () => this.#anyChat(),
      dueAtMs: () => this.#dueAtMs(),
      peer: (chat) => this.#peer(chat),
      own: (what, run) =>
        this.#own(what, async ({ me }, origin) => {
          const answer = await run(me, origin)
          return Array.isArray(answer) ? answer : []
        }),
      ask: (what, chat, run) => this.#ask(what, chat, run),
      askForMany: async (what, chat, run) => {
        const op = this.#newOp()
        const reply = await this.#device.insist(what, async (scope) => run(scope.chat(chat), askedOf(scope, op)))
        if (reply.kind === 'answer') this.#device.answered(changesOf(reply.value))
      },
    }
  }

  /** The same sending, from `times` callers at once. */
  async #send(count: number, times = 1): Promise<void> {
    const chat = this.#anyChat()
    if (chat === undefined) return
    const sendings = Array.from({ length: count }, () => this.#newSending(chat))
    const replyId = this.#dice.chance(0.2) ? this.#anyMessage(chat)?.id : undefined
    const mentions = this.#dice.chance(0.2) ? [this.#dice.pick(this.#others())] : undefined
    const clearDraft = this.#dice.chance(0.3)
    const forward = this.#dice.chance(0.15) ? { fromUser: this.#dice.pick(this.#others()), date: 1 } : undefined
    const ops = sendings.map(() => `r${this.#dice.bytes(8).toString('hex')}`)
    const post = async (scope: Scope) => {
      const [located] = replyId === undefined ? [] : await scope.me.locate([replyId])
      const drafts = sendings.map(({ text }, index) => ({
        op: ops[index]!,
        body: encodeBody({ text, ...(forward && { forward }) }),
        clearDraft,
        ...(located && located.chat === chat && { replyTo: located.n }),
        ...(mentions && { mentions }),
      }))
      const outcomes = await scope.chat(chat).post({ by: this.#device.user, origin: originOf(scope), drafts })
      return outcomes
    }
    const once = async (pauseMs: number) => {
      await this.#world.time.pause(pauseMs)
      const reply = await this.#device.insist(`send ${sendings.map(({ text }) => text)} to ${chat}`, post)
      for (const [index, sending] of sendings.entries()) {
        if (reply.kind === 'refused') {
          if (!reply.isRepeat) sending.refusal = reply.reason
        } else {
          const outcome = reply.value[index]
          if (outcome) this.#world.ledger.answered(sending, outcome.n, outcome.changes)
          else this.#world.ledger.violated('invariant 2', `${sending.text} was answered with nothing`)
        }
      }
      if (reply.kind === 'answer') this.#device.answered(changesOf(reply.value))
    }
    await Promise.all(Array.from({ length: times }, (_, index) => once(index * this.#dice.within(0, 10))))
  }

  async #schedule(): Promise<void> {
    const chat = this.#anyChat()
    if (chat === undefined) return
    const dueAtMs = this.#dueAtMs()
    const sending = { ...this.#newSending(chat, false), dueAtMs }
    this.#world.ledger.sendings.push(sending)
    const draft = { body: encodeBody({ text: sending.text }), clearDraft: this.#dice.chance(0.3) }
    const reply = await this.#ask(`schedule ${sending.text} in ${chat}`, chat, (ref, asked) =>
      ref.schedule({ ...asked, draft, dueAtMs }),
    )
    if (reply.kind === 'refused') sending.refusal = reply.reason
    else {
      sending.answers.push({ n: 0, id: 0 })
      for (const { fact } of reply.value) {
        if (fact.type === 'scheduled') this.#world.ledger.scheduled.push({ by: sending.by, chat, id: fact.id })
      }
    }
  }

  /** Some so late that they still wait when this world ends. */
  #dueAtMs(): number {
    const { time, ledger } = this.#world
    if (this.#dice.chance(0.2)) return time.now() + 3_600_000 + this.#dice.int(1_000)
    const dueAtMs = time.now() + this.#dice.between(1, 3_000)
    ledger.lastDueMs = Math.max(ledger.lastDueMs, dueAtMs)
    return dueAtMs
  }

  async #onMessage(action: OnMessage): Promise<void> {
    const chat = this.#anyChat()
    const message = chat && this.#anyMessage(chat, action === 'edit')
    if (chat === undefined || message === undefined) return
    const { id, fact } = message
    const { n } = fact
    const what = `${action} ${id} in ${chat}`
    switch (action) {
      case 'edit': {
        const body = encodeBody({ text: `${message.body.split('/')[0]}/${this.#dice.int(1_000_000)}` })
        return this.#askAbout(what, chat, id, (ref, asked, target) => ref.edit({ ...asked, target, body }))
      }
      case 'react': {
        const reactions = this.#dice.chance(0.8) ? [this.#dice.pick(REACTIONS)] : []
        return this.#askAbout(what, chat, id, (ref, asked, target) => ref.react({ ...asked, target, reactions }))
      }
      case 'pin': {
        const how = { pinned: this.#dice.chance(0.7), silent: false, onlyForMe: this.#dice.chance(0.2) }
        return this.#askAbout(what, chat, id, (ref, asked, target) => ref.pin({ ...asked, target, ...how }))
      }
      case 'revoke':
        return this.#askAbout(what, chat, id, (ref, asked, target) => ref.delete({ ...asked, targets: [target] }))
      case 'read':
      case 'revokeHistory':
        return this.#upTo(action, what, chat, id)
      case 'deleteOwn':
        return this.#own(what, ({ me }, origin) => me.deleteOwn({ ids: [id], origin }), { chat, from: n, upTo: n })
      case 'clearHistory': {
        const request = { peer: this.#peer(chat), maxId: id, keepDialog: this.#dice.chance(0.5) }
        const clear = async ({ me }: Scope, origin: Origin) => (await me.clearHistory({ ...request, origin })).changes
        return this.#own(what, clear, { chat, from: 0, upTo: n })
      }
      case 'readMentions':
        return this.#own(what, ({ me }, origin) => me.readMentions({ peer: this.#peer(chat), origin }))
    }
  }

  /** As the gateway does: what the id means, then the chat. */
  async #upTo(action: 'read' | 'revokeHistory', what: string, chat: ChatId, maxId: number): Promise<void> {
    const op = this.#newOp()
    const by = this.#device.user
    const reply = await this.#device.insist(what, async (scope) => {
      const newest = await scope.me.locateUpTo(this.#peer(chat), maxId)
      if (!newest) return []
      const asked = { by, op, origin: originOf(scope), upTo: newest.n }
      const ref = scope.chat(chat)
      const { changes } = await (action === 'read' ? ref.read(asked) : ref.deleteHistory(asked))
      return changes
    })
    if (reply.kind === 'answer') this.#device.answered(reply.value)
  }

  async #draft(): Promise<void> {
    const chat = this.#anyChat()
    if (chat === undefined) return
    const body = this.#dice.chance(0.7) ? { body: encodeBody({ text: `draft ${this.#dice.int(1_000)}` }) } : {}
    const request = { peer: this.#peer(chat), ...body }
    return this.#own(`draft in ${chat}`, ({ me }, origin) => me.saveDraft({ ...request, origin }))
  }

  async #dialog(): Promise<void> {
    const chat = this.#anyChat()
    if (chat === undefined) return
    const peer = this.#peer(chat)
    const on = this.#dice.chance(0.6)
    if (this.#dice.chance(0.5)) {
      return this.#own(`pin ${chat}: ${on}`, ({ me }, origin) => me.pinDialog({ peer, pinned: on, origin }))
    }
    return this.#own(`mark ${chat}: ${on}`, ({ me }, origin) => me.markDialog({ peer, unread: on, origin }))
  }

  async #block(): Promise<void> {
    const by = this.#device.user
    const chat = privateChat(by, this.#dice.pick(this.#others()))
    const blocked = this.#dice.chance(0.5)
    const op = this.#newOp()
    await this.#device.insist(`block ${chat}: ${blocked}`, (scope) =>
      scope.chat(chat).setBlocked({ by, op, origin: originOf(scope), blocked }),
    )
  }

  async #group(action: 'members' | 'title'): Promise<void> {
    const { groups, users } = this.#world.settings
    if (groups === 0) return
    const chat = groupChat(this.#dice.between(1, groups))
    if (action === 'title') {
      const title = `title ${this.#dice.int(1_000)}`
      await this.#ask(`title of ${chat}`, chat, (ref, asked) => ref.setTitle({ ...asked, title }))
      return
    }
    const user = this.#dice.between(1, users)
    if (this.#dice.chance(0.6)) {
      await this.#ask(`add ${user} to ${chat}`, chat, (ref, asked) => ref.addMember({ ...asked, user }))
    } else {
      const revokeHistory = this.#dice.chance(0.2)
      await this.#ask(`remove ${user} from ${chat}`, chat, (ref, asked) =>
        ref.removeMember({ ...asked, user, revokeHistory }),
      )
    }
  }

  /** A change of the account's own. */
  async #own(
    what: string,
    run: (scope: Scope, origin: Origin) => Promise<readonly BoxChange[]>,
    range?: { readonly chat: ChatId; readonly from: number; readonly upTo: number },
  ): Promise<void> {
    const deletion = range && { ...range, user: this.#device.user, isAnswered: false }
    if (deletion) this.#world.ledger.ownDeletions.push(deletion)
    const reply = await this.#device.insist(what, async (scope) => {
      return run(scope, originOf(scope))
    })
    if (reply.kind !== 'answer') return
    if (deletion) deletion.isAnswered = true
    this.#device.answered(reply.value)
    // Done already, perhaps by a first try of this very request; these have no operation id, so only the state can tell.
    if (reply.value.length === 0) this.#device.sync()
  }

  async #askAbout(
    what: string,
    chat: ChatId,
    id: number,
    run: (ref: Ref<Chat>, asked: ReturnType<typeof askedOf>, n: number) => Promise<Outcome>,
  ): Promise<void> {
    const op = this.#newOp()
    const reply = await this.#device.insist(what, async (scope) => {
      const [located] = await scope.me.locate([id])
      if (!located) return refuse('MESSAGE_ID_INVALID')
      const { changes } = await run(scope.chat(chat), askedOf(scope, op), located.n)
      return changes
    })
    if (reply.kind === 'answer') this.#device.answered(reply.value)
  }

  async #ask(what: string, chat: ChatId, run: (ref: Ref<Chat>, asked: ReturnType<typeof askedOf>) => Promise<Outcome>) {
    const op = this.#newOp()
    const reply = await this.#device.insist(what, async (scope) => {
      const { changes } = await run(scope.chat(chat), askedOf(scope, op))
      return changes
    })
    if (reply.kind === 'answer') this.#device.answered(reply.value)
    return reply
  }

  #newOp(): string {
    return `m${this.#device.authKey}${this.#part}${++this.#operations}`
  }

  #newSending(chat: ChatId, isKept = true): Sending {
    const text = `${this.#device.name}${this.#part}.${++this.#operations}`
    const sending = { by: this.#device.user, chat, text, answers: [] }
    if (isKept) this.#world.ledger.sendings.push(sending)
    return sending
  }

  #others(): number[] {
    const all = Array.from({ length: this.#world.settings.users }, (_, index) => index + 1)
    return all.filter((user) => user !== this.#device.user)
  }

  #anyChat(): ChatId {
    const { groups } = this.#world.settings
    if (groups > 0 && this.#dice.chance(0.5)) return groupChat(this.#dice.between(1, groups))
    const other = this.#dice.chance(0.1) ? this.#device.user : this.#dice.pick(this.#others())
    return privateChat(this.#device.user, other)
  }

  #anyMessage(chat: ChatId, isOwn = false) {
    const messages = this.#device.replica.inChat(chat).filter(({ fact, body }) => (!isOwn || fact.out) && body !== '')
    return messages.length === 0 ? undefined : this.#dice.pick(messages.slice(-8))
  }

  #peer(chat: ChatId): Peer {
    return peerOfChat(this.#device.user, chat)
  }
}

function isAffair(action: Action): action is Affair {
  return action in affairs
}

function askedOf(scope: Scope, op: string) {
  return { by: scope.session.device.user, op, origin: originOf(scope) }
}

function originOf({ session }: Scope) {
  const [authKey = '', name = ''] = session.name.split(' ')
  return { authKey, session: name }
}

function changesOf(outcomes: readonly Outcome[]): BoxChange[] {
  return outcomes.flatMap(({ changes }) => changes)
}
