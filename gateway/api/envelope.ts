import { type PeerKey, parsePeerKey } from '../../actors/chat/chat-id.js'
import type { GroupInfo } from '../../actors/chat/contract.js'
import type { BoxChange } from '../../actors/user/changes.js'
import { type BoxMessage, User } from '../../actors/user/contract.js'
import { after, refusalReason, type Soon } from '../../runtime/index.js'
import type { tl } from '../tl/index.js'
import type { ActorCalls } from './actor-calls.js'
import type { Call } from './call.js'
import { longFromHex } from './long.js'
import { PeerSet } from './peer-set.js'
import type { LoadedPeople, People, Viewer } from './people.js'
import { type ChangeContext, presentChange, scheduledKey } from './present/change.js'
import type { ScheduledView } from './present/scheduled.js'
import { scheduledIn } from './scheduled-messages.js'

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
export function presentChanges(
  presenting: Presenting,
  viewer: Viewer,
  changes: readonly BoxChange[],
  numbered: boolean,
  named = new PeerSet(),
): Soon<PresentedChanges> {
  const { people } = presenting
  for (const change of changes) noteStale(people, viewer, change)
  return after(contextOf(presenting, viewer, changes, numbered), (context) => {
    const updates = changes.map((change) => presentChange(change, context, named))
    return after(people.load(viewer, named), (loaded) => ({
      updates: changes.some(isOfNames) ? updates.map((list) => list.map((each) => withNames(each, loaded))) : updates,
      people: loaded,
    }))
  })
}

function contextOf(
  { actors, people }: Presenting,
  viewer: Viewer,
  changes: readonly BoxChange[],
  numbered: boolean,
): Soon<ChangeContext> {
  const { self } = viewer
  const edited = editedIds(changes)
  const changed = changedGroupIds(changes)
  const scheduledWith = scheduledPeers(changes)
  if (edited.size === 0 && changed.size === 0 && scheduledWith.size === 0) {
    return { self, messages: NO_MESSAGES, groups: NO_GROUPS, scheduled: NONE_SCHEDULED, numbered }
  }
  const loading = Promise.all([
    editedMessages(actors, viewer, edited),
    changedGroups(people, viewer, changed),
    scheduledMessages(actors, viewer, scheduledWith),
  ])
  return loading.then(([messages, groups, scheduled]) => ({ self, messages, groups, scheduled, numbered }))
}

/** TL `updates`: `seq` 0 says that nothing here is ordered by the envelope. */
export function envelope(updates: tl.TypeUpdate[], { users, chats }: LoadedPeople, now: number): tl.RawUpdates {
  return { _: 'updates', updates, users, chats, date: now, seq: 0 }
}

/** The answer of a call that changed the caller's own box: its changes as updates, new messages with their random ids. */
export function answerChanges(call: Call, changes: readonly BoxChange[], named = new PeerSet()): Soon<tl.RawUpdates> {
  return after(presentChanges(call.services, viewerOf(call), changes, true, named), ({ updates, people }) =>
    envelope(joined(messageIds(changes), updates), people, call.now),
  )
}

/** The lists as one, behind those that are there. */
export function joined(to: tl.TypeUpdate[], lists: readonly (readonly tl.TypeUpdate[])[]): tl.TypeUpdate[] {
  for (const list of lists) for (const update of list) to.push(update)
  return to
}

export function viewerOf({ self, deadlineMs, traceId }: Viewer): Viewer {
  return { self, deadlineMs, traceId }
}

/** Tells the sending device which of its random ids became which message. */
function messageIds(changes: readonly BoxChange[]): tl.TypeUpdate[] {
  const updates: tl.TypeUpdate[] = []
  for (const { pts, fact } of changes) {
    if (fact.type !== 'message' || !fact.op?.startsWith('r')) continue
    updates.push({ _: 'updateMessageID', id: pts, randomId: longFromHex(fact.op.slice(1)) })
  }
  return updates
}

/** What was cached of a group or of a person and is older than a change that is about to be told. */
function noteStale(people: People, viewer: Viewer, { fact }: BoxChange): void {
  if (fact.type === 'groupChanged' || (fact.type === 'message' && fact.action && fact.action.type !== 'pin')) {
    const peer = parsePeerKey(fact.peer)
    if (peer.kind === 'chat') people.forgetGroupFor(viewer.self, peer.id)
  }
  if (fact.type === 'contact' || fact.type === 'blocked') people.forgetRelation(viewer.self, fact.user)
  if (isOfNames({ fact })) people.forgetUser(viewer.self)
}

function isOfNames({ fact }: Pick<BoxChange, 'fact'>): boolean {
  return fact.type === 'profile' || fact.type === 'username'
}

const NO_MESSAGES: ReadonlyMap<number, BoxMessage> = new Map()
const NO_GROUPS: ReadonlyMap<number, GroupInfo> = new Map()
const NONE_SCHEDULED: ReadonlyMap<string, ScheduledView> = new Map()
const NO_PEERS: ReadonlySet<PeerKey> = new Set()

const NO_IDS: ReadonlySet<number> = new Set()

function editedIds(changes: readonly BoxChange[]): ReadonlySet<number> {
  let ids: Set<number> | undefined
  for (const { fact } of changes) if (fact.type === 'edited') ids = (ids ?? new Set()).add(fact.id)
  return ids ?? NO_IDS
}

async function editedMessages(actors: ActorCalls, viewer: Viewer, ids: ReadonlySet<number>) {
  const messages = new Map<number, BoxMessage>()
  if (ids.size === 0) return messages
  for (const message of await actors.ref(User, viewer.self, viewer).messages([...ids])) {
    if (message) messages.set(message.id, message)
  }
  return messages
}

function changedGroupIds(changes: readonly BoxChange[]): ReadonlySet<number> {
  let ids: Set<number> | undefined
  for (const { fact } of changes) {
    const isOfMembers = fact.type === 'groupChanged' && (fact.what === 'members' || fact.what === 'admins')
    if (isOfMembers) ids = (ids ?? new Set()).add(parsePeerKey(fact.peer).id)
  }
  return ids ?? NO_IDS
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

function scheduledPeers(changes: readonly BoxChange[]): ReadonlySet<PeerKey> {
  let peers: Set<PeerKey> | undefined
  for (const { fact } of changes) if (fact.type === 'scheduled') peers = (peers ?? new Set()).add(fact.peer)
  return peers ?? NO_PEERS
}

async function scheduledMessages(actors: ActorCalls, viewer: Viewer, peers: ReadonlySet<PeerKey>) {
  const views = new Map<string, ScheduledView>()
  await Promise.all(
    [...peers].map(async (peer) => {
      for (const view of await scheduledIn(actors, viewer, peer).catch(noneOfFormerMembers)) {
        views.set(scheduledKey(peer, view.message.id), view)
      }
    }),
  )
  return views
}

/** Who left a group since has nothing scheduled there that he could still be shown. */
function noneOfFormerMembers(error: unknown): readonly ScheduledView[] {
  if (refusalReason(error) === undefined) throw error
  return []
}

/** Among changes of one's own names: such a change says the names, where the client knows how. */
function withNames(update: tl.TypeUpdate, { users }: LoadedPeople): tl.TypeUpdate {
  if (update._ !== 'updateUser') return update
  const user = users.find(({ id }) => id === update.userId)
  return user?._ === 'user' && user.self ? presentNames(user) : update
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
