/**
 * What clients saw, held against what they were told: invariants 1 (order), 2 (durability), 3 (once) and 4 (contiguity)
 * of DESIGN. Each account is looked at by a new device of its own, which knows nothing but what the server says.
 */
import type { TelegramClient } from '@mtcute/node'
import type { ChatId } from '../../actors/chat/chat-id.js'
import { type ClientTarget, testPhone } from '../../test/harness/login.js'
import { mtcuteClient } from '../../test/harness/mtcute-client.js'
import { waitUntil } from '../../test/harness/wait-until.js'
import { difference, history, type Seen } from '../../test/harness/witness.js'
import type { Crowd } from '../load/crowd.js'
import type { Person } from '../load/person.js'

/** What should never be; each line says whose and where. */
export interface Violations {
  readonly lost: string[]
  readonly twice: string[]
  readonly disordered: string[]
}

const heardWithinMs = 30_000

/** Nobody sends any more. `targetOf`: where the new device of a person dials. */
export async function checkHistories(crowd: Crowd, targetOf: (person: Person) => ClientTarget): Promise<Violations> {
  const violations: Violations = { lost: [], twice: [], disordered: [] }
  const orders = new Map<ChatId, readonly string[]>()
  const boxes = new Map<Person, readonly string[]>()
  for (const person of crowd.people) {
    const witness = await mtcuteClient(targetOf(person), {
      phone: testPhone(person.account),
      client: { logLevel: 0, disableUpdates: true },
    })
    try {
      for (const chat of crowd.chats) {
        const members = crowd.membersOf(chat)
        if (!members.includes(person)) continue
        const seen = await history(witness, peerOf(crowd, person, chat))
        const texts = compared(violations, `${person.name}'s history of ${chat}`, seen, wantedOf(crowd, [chat]))
        const first = orders.get(chat)
        if (first === undefined) orders.set(chat, texts)
        else if (first.join() !== texts.join()) violations.disordered.push(`${chat}: ${person.name} sees another order`)
      }
      boxes.set(person, await boxOf(violations, crowd, person, witness))
    } finally {
      await witness.destroy()
    }
  }
  for (const person of crowd.people) {
    if (person.heard !== undefined) await checkHeard(violations, crowd, person, boxes.get(person)!)
  }
  return violations
}

async function boxOf(violations: Violations, crowd: Crowd, person: Person, witness: TelegramClient) {
  const { messages, pts } = await difference(witness)
  const mine = crowd.chats.filter((chat) => crowd.membersOf(chat).includes(person))
  const texts = compared(violations, `${person.name}'s difference`, messages, wantedOf(crowd, mine))
  const state = await witness.call({ _: 'updates.getState' })
  if (state.pts !== pts) violations.lost.push(`${person.name}'s difference ends at ${pts}, the state at ${state.pts}`)
  return texts
}

/** Texts in the order in which each sender got them acknowledged. */
function wantedOf(crowd: Crowd, chats: readonly ChatId[]): readonly (readonly string[])[] {
  return crowd.talks
    .filter(({ chat }) => chats.includes(chat))
    .map(({ calls }) => calls.flatMap(({ text, ackMs }) => (ackMs === undefined ? [] : [text])))
}

function compared(
  { lost, twice, disordered }: Violations,
  where: string,
  seen: readonly Seen[],
  wanted: readonly (readonly string[])[],
): readonly string[] {
  const places = new Map<string, number>()
  for (const [place, { id, text }] of seen.entries()) {
    if (places.has(text)) twice.push(`${where}: ${text}`)
    places.set(text, place)
    if (place > 0 && id <= seen[place - 1]!.id) disordered.push(`${where}: id ${id} after ${seen[place - 1]!.id}`)
  }
  for (const texts of wanted) {
    let before = -1
    for (const text of texts) {
      const place = places.get(text)
      if (place === undefined) lost.push(`${where}: ${text}`)
      else if (place < before) disordered.push(`${where}: ${text} stands before an earlier one`)
      else before = place
    }
  }
  const known = new Set(wanted.flat())
  return seen.flatMap(({ text }) => (known.has(text) ? [text] : []))
}

/** What came to the device by itself: all that others sent, each once, in the box's order. */
async function checkHeard(violations: Violations, crowd: Crowd, person: Person, box: readonly string[]): Promise<void> {
  const own = new Set(
    crowd.talks.filter(({ sender }) => sender === person.name).flatMap(({ calls }) => calls.map(({ text }) => text)),
  )
  const wanted = box.filter((text) => !own.has(text))
  const texts = () => person.heard!.map(({ text }) => text).filter((text) => !own.has(text))
  const hasAll = () => {
    const heard = new Set(texts())
    return wanted.every((text) => heard.has(text))
  }
  await waitUntil(`${person.name}'s device heard all`, hasAll, heardWithinMs).catch(() => undefined)
  const where = `what ${person.name}'s device was told`
  const known = new Set(wanted)
  const heard = texts().filter((text) => known.has(text))
  for (const text of wanted) if (!heard.includes(text)) violations.lost.push(`${where}: ${text}`)
  const once = new Set<string>()
  for (const text of heard) {
    if (once.has(text)) violations.twice.push(`${where}: ${text}`)
    once.add(text)
  }
  const places = new Map(wanted.map((text, place) => [text, place]))
  let before = -1
  for (const text of once) {
    const place = places.get(text)!
    if (place < before) violations.disordered.push(`${where}: ${text} after a later one`)
    before = place
  }
}

function peerOf(crowd: Crowd, person: Person, chat: ChatId): string | number {
  if (chat.startsWith('g')) return crowd.group
  return crowd.membersOf(chat).find((each) => each !== person)!.username
}
