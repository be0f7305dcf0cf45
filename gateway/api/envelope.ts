import { parsePeerKey } from '../../actors/chat/chat-id.js'
import type { GroupInfo } from '../../actors/chat/contract.js'
import type { BoxChange } from '../../actors/user/changes.js'
import { type BoxMessage, User } from '../../actors/user/contract.js'
import type { tl } from '../tl/index.js'
import type { ActorCalls } from './actor-calls.js'
import type { Call } from './call.js'
import { longFromHex } from './long.js'
import { PeerSet } from './peer-set.js'
import type { LoadedPeople, People, Viewer } from './people.js'
import { type ChangeContext, presentChange } from './present/change.js'

/** What presenting changes is done with. */
export interface Presenting {
  readonly actors: ActorCalls
  readonly people: People
}

/** Changes as updates, and all whom they name. */
export interface PresentedChanges {
  /** One list a change, in order; empty for what devices are not told. */
  readonly updates: readonly tl.TypeUpdate[][]
  readonly people: LoadedPeople
}

/** Loads what the changes need besides them, and presents them to the account that they are of. */
export async function presentChanges(
  { actors, people }: Presenting,
  viewer: Viewer,
  changes: readonly BoxChange[],
  numbered: boolean,
  named = new PeerSet(),
): Promise<PresentedChanges> {
  for (const change of changes) noteStale(people, viewer, change)
  const edited = editedIds(changes)
  const changed = changedGroupIds(changes)
  const messages = edited.size === 0 ? NO_MESSAGES : await editedMessages(actors, viewer, edited)
  const groups = changed.size === 0 ? NO_GROUPS : await changedGroups(people, viewer, changed)
  const context: ChangeContext = { self: viewer.self, messages, groups, numbered }
  const updates = changes.map((change) => presentChange(change, context, named))
  const loaded = await people.load(viewer, named)
  return { updates: updates.map((list) => list.map((update) => withNames(update, loaded, changes))), people: loaded }
}

/** TL `updates`: `seq` 0 says that nothing here is ordered by the envelope. */
export function envelope(updates: tl.TypeUpdate[], { users, chats }: LoadedPeople, now: number): tl.RawUpdates {
  return { _: 'updates', updates, users, chats, date: now, seq: 0 }
}

/** The answer of a call that changed the caller's own box: its changes as updates, new messages with their random ids. */
export async function answerChanges(
  call: Call,
  changes: readonly BoxChange[],
  named = new PeerSet(),
): Promise<tl.RawUpdates> {
  const presented = await presentChanges(call.services, viewerOf(call), changes, true, named)
  return envelope([...messageIds(changes), ...presented.updates.flat()], presented.people, call.now)
}

export function viewerOf({ self, deadlineMs, traceId }: Viewer): Viewer {
  return { self, deadlineMs, traceId }
}

/** Tells the sending device which of its random ids became which message. */
function messageIds(changes: readonly BoxChange[]): tl.TypeUpdate[] {
  return changes.flatMap(({ pts, fact }) =>
    fact.type === 'message' && fact.op?.startsWith('r')
      ? [{ _: 'updateMessageID' as const, id: pts, randomId: longFromHex(fact.op.slice(1)) }]
      : [],
  )
}

/** What was cached of a group or of a person and is older than a change that is about to be told. */
function noteStale(people: People, viewer: Viewer, { fact }: BoxChange): void {
  if (fact.type === 'groupChanged' || (fact.type === 'message' && fact.action && fact.action.type !== 'pin')) {
    const peer = parsePeerKey(fact.peer)
    if (peer.kind === 'chat') people.forgetGroupFor(viewer.self, peer.id)
  }
  if (fact.type === 'contact' || fact.type === 'blocked') people.forgetRelation(viewer.self, fact.user)
  if (fact.type === 'profile' || fact.type === 'username') people.forgetUser(viewer.self)
}

const NO_MESSAGES: ReadonlyMap<number, BoxMessage> = new Map()
const NO_GROUPS: ReadonlyMap<number, GroupInfo> = new Map()

function editedIds(changes: readonly BoxChange[]): ReadonlySet<number> {
  const ids = new Set<number>()
  for (const { fact } of changes) if (fact.type === 'edited') ids.add(fact.id)
  return ids
}

async function editedMessages(actors: ActorCalls, viewer: Viewer, ids: ReadonlySet<number>) {
  const messages = new Map<number, BoxMessage>()
  for (const message of await actors.ref(User, viewer.self, viewer).messages([...ids])) {
    if (message) messages.set(message.id, message)
  }
  return messages
}

function changedGroupIds(changes: readonly BoxChange[]): ReadonlySet<number> {
  const ids = new Set<number>()
  for (const { fact } of changes) {
    const isOfMembers = fact.type === 'groupChanged' && (fact.what === 'members' || fact.what === 'admins')
    if (isOfMembers) ids.add(parsePeerKey(fact.peer).id)
  }
  return ids
}

async function changedGroups(people: People, viewer: Viewer, ids: ReadonlySet<number>) {
  const groups = new Map<number, GroupInfo>()
  await Promise.all(
    [...ids].map(async (id) => {
      const group = await people.group(viewer, id)
      if (group) groups.set(id, group)
    }),
  )
  return groups
}

/** A change of one's own names says the names, where the client knows how. */
function withNames(update: tl.TypeUpdate, { users }: LoadedPeople, changes: readonly BoxChange[]): tl.TypeUpdate {
  if (update._ !== 'updateUser') return update
  const renamed = changes.some(({ fact }) => fact.type === 'profile' || fact.type === 'username')
  const user = users.find(({ id }) => id === update.userId)
  return renamed && user?._ === 'user' && user.self ? presentNames(user) : update
}

/** TL `updateUserName`, from the user as the viewer sees it. */
export function presentNames(user: tl.RawUser): tl.RawUpdateUserName {
  return {
    _: 'updateUserName',
    userId: user.id,
    firstName: user.firstName ?? '',
    lastName: user.lastName ?? '',
    usernames: user.username ? [{ _: 'username', editable: true, active: true, username: user.username }] : [],
  }
}
