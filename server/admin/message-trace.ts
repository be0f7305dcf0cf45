import { Chat, User } from '../../actors/index.js'
import type { ClusterAdmin, TracedHop } from '../../cluster/index.js'
import { ActorError, type ActorSystem, type Clock, errorCode } from '../../runtime/index.js'

/** Where a message is, by its chat's journal and its members' boxes, with the turns that nodes remember of its way. */
export interface MessageTrace {
  readonly of: 'message'
  /** `chat/<key>:<n>`. */
  readonly message: string
  readonly entry: { readonly type: string; readonly by: number; readonly op: string; readonly atMs: number }
  readonly boxes: readonly BoxTrace[]
  readonly hops: readonly TracedHop[]
}

/** One member's box. `unknown`: it did not answer in time. */
export interface BoxTrace {
  readonly user: number
  readonly state: 'delivered' | 'on its way' | 'unknown'
  /** The id that the account's devices know it by. */
  readonly id?: number
  /** Gateways with live sessions of the account. */
  readonly gateways: readonly string[]
  /** Devices, and whether they have acknowledged it; that is stored coarsely. */
  readonly devices: readonly { readonly authKey: string; readonly hasIt: boolean }[]
}

export interface RequestTrace {
  readonly of: 'request'
  readonly traceId: string
  readonly hops: readonly TracedHop[]
}

const askMs = 2_000
/** A turn ends this long after its entry got its date, at most, if it is to be taken for the one that made it. */
const postMs = 5_000

export interface TraceSources {
  readonly system: Pick<ActorSystem, 'ref'>
  readonly admin: Pick<ClusterAdmin, 'trace' | 'turnsOf'>
  readonly clock: Clock
}

/**
 * Traces what an operator names: `chat/<key>:<n>`, an entry of a chat; `user/<account>:<id>`, a message by the id that one
 * of its accounts' devices knows it by; anything else is the trace id of a request, as logs and errors tell it.
 * Rejects with REFUSED (reason NO_SUCH_MESSAGE), or with what the actors' calls reject with.
 */
export async function traceOf(named: string, sources: TraceSources): Promise<MessageTrace | RequestTrace> {
  const inChat = /^chat\/([^:]+):(\d+)$/.exec(named)
  if (inChat) return messageTrace(inChat[1]!, Number(inChat[2]), sources)
  const inBox = /^user\/(\d+):(\d+)$/.exec(named)
  if (inBox) {
    const [located] = await refOf(sources)
      .user(Number(inBox[1]))
      .locate([Number(inBox[2])])
    if (located === undefined) throw noSuchMessage(named)
    return messageTrace(located.chat, located.n, sources)
  }
  return { of: 'request', traceId: named, hops: await sources.admin.trace(named) }
}

async function messageTrace(key: string, n: number, sources: TraceSources): Promise<MessageTrace> {
  const message = `chat/${key}:${n}`
  const chat = parsed(key, message)
  const refs = refOf(sources)
  const found = await refs.chat(chat).whereabouts({ n })
  if (found === undefined) throw noSuchMessage(message)
  const { concerned, ...entry } = found
  const boxes = await Promise.all(
    concerned.map((user) => boxTrace(user, () => refs.user(user).whereabouts({ chat, n }), n)),
  )
  const hops = await hopsOf(key, entry.atMs, concerned, sources.admin)
  return { of: 'message', message, entry, boxes, hops }
}

async function boxTrace(
  user: number,
  ask: () => Promise<{ lane: number; id?: number; gateways: readonly string[]; devices: readonly Acknowledged[] }>,
  n: number,
): Promise<BoxTrace> {
  try {
    const { lane, id, gateways, devices } = await ask()
    const state = lane >= n ? 'delivered' : 'on its way'
    const acknowledged = devices.map(({ authKey, pts }) => ({ authKey, hasIt: id !== undefined && pts >= id }))
    return { user, state, gateways, devices: acknowledged, ...(id !== undefined && { id }) }
  } catch (error) {
    if (errorCode(error) === undefined) throw error
    return { user, state: 'unknown', gateways: [], devices: [] }
  }
}

interface Acknowledged {
  readonly authKey: string
  readonly pts: number
}

/** The turn that made the entry, whatever else belongs to that request, and what its members' boxes did then. */
async function hopsOf(key: string, atMs: number, users: readonly number[], admin: TraceSources['admin']) {
  const near = (hop: TracedHop) => hop.atMs >= atMs - 1 && hop.atMs <= atMs + postMs
  const ofChat = await admin.turnsOf(`chat/${key}`)
  const during = ofChat.filter((hop) => near(hop) && hop.atMs - hop.runMs <= atMs + 1)
  // What the runtime starts by itself (`resume`, a timer) makes entries seldom; requests do.
  const made = during.find(({ method }) => !/^resume$|:/.test(method)) ?? during[0]
  if (made === undefined) return []
  const hops = await admin.trace(made.traceId)
  const missing = users.filter((user) => !hops.some(({ actor }) => actor === `user/${user}`)).slice(0, 10)
  const delivered = await Promise.all(
    missing.map(async (user) =>
      (await admin.turnsOf(`user/${user}`)).filter((hop) => hop.method === 'deliver' && near(hop)).slice(0, 1),
    ),
  )
  return [...hops, ...delivered.flat()].sort((one, other) => one.atMs - other.atMs)
}

function refOf({ system, clock }: TraceSources) {
  const deadlineMs = clock.now() + askMs
  return {
    chat: (id: ReturnType<typeof Chat.parse>) => system.ref(Chat, id, { deadlineMs }),
    user: (id: number) => system.ref(User, id, { deadlineMs }),
  }
}

function parsed(key: string, message: string) {
  try {
    return Chat.parse(key)
  } catch {
    throw noSuchMessage(message)
  }
}

function noSuchMessage(named: string): ActorError {
  return new ActorError('REFUSED', `There is no message ${named}.`, { reason: 'NO_SUCH_MESSAGE' })
}
