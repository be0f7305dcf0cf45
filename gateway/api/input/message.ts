import type { Peer } from '../../../actors/chat/chat-id.js'
import type { MessageBody, MessageEntity } from '../../../actors/message/body.js'
import { isUsername, usernameKey } from '../../../actors/name/contract.js'
import { after, type Soon } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { entitiesOf } from './entities.js'
import { foundEntities, mentionedNames } from './found-entities.js'
import { linesOf, MAX_MESSAGE_UNITS } from './text.js'

/** Names looked up for one message; more are shown but notify nobody. */
const MAX_LOOKED_UP_NAMES = 20
const NOBODY: readonly number[] = []

export interface TextInput {
  readonly message: string
  readonly entities?: readonly tl.TypeMessageEntity[] | undefined
  readonly noWebpage?: boolean | undefined
  readonly invertMedia?: boolean | undefined
}

export interface ComposedText {
  readonly body: MessageBody
  /** Whom the text mentions, by name or by number. */
  readonly mentions: readonly number[]
}

/** A message's text as it is stored. Refused: MESSAGE_EMPTY, MESSAGE_TOO_LONG, and what `entitiesOf` refuses. */
export function composedText(call: Call, input: TextInput, peer: Peer): Soon<ComposedText> {
  return after(textOf(call, input), (body) => {
    if (body.text === '') return refuseCall('MESSAGE_EMPTY')
    return after(mentionsOf(call, body, peer), (mentions) => ({ body, mentions }))
  })
}

/** As `composedText`, and may be empty: drafts. */
export function textOf(call: Call, input: TextInput): Soon<MessageBody> {
  const { message } = input
  if (message.length > MAX_MESSAGE_UNITS) return refuseCall('MESSAGE_TOO_LONG')
  return after(entitiesOf(call, input.entities, message), (given) => trimmed(input, given))
}

function trimmed({ message, noWebpage, invertMedia }: TextInput, given: readonly MessageEntity[]): MessageBody {
  const { text: lines, placed } = linesOf(message, given)
  const text = lines.trim()
  const inText = placed.length === 0 ? placed : shifted(placed, lines.length - lines.trimStart().length, text.length)
  const found = foundEntities(text, inText)
  const entities = [...inText, ...found].sort((one, other) => one.offset - other.offset)
  const body: { -readonly [Field in keyof MessageBody]: MessageBody[Field] } = { text }
  if (entities.length > 0) body.entities = entities
  if (noWebpage) body.noWebpage = true
  if (invertMedia) body.invertMedia = true
  return body
}

/** Entities of a text whose first `start` units and all after `length` more were cut away. */
function shifted(entities: readonly MessageEntity[], start: number, length: number): readonly MessageEntity[] {
  return entities
    .map((entity) => {
      const from = Math.max(0, entity.offset - start)
      const to = Math.min(length, entity.offset + entity.length - start)
      return { ...entity, offset: from, length: to - from }
    })
    .filter((entity) => entity.length > 0)
}

/** In private chats nobody needs to be told: every message is for the other party. */
function mentionsOf(call: Call, body: MessageBody, peer: Peer): Soon<readonly number[]> {
  return peer.kind === 'user' ? NOBODY : mentionedIn(call, body)
}

async function mentionedIn(call: Call, { text, entities = [] }: MessageBody): Promise<readonly number[]> {
  const byNumber = entities.flatMap(({ userId }) => (userId === undefined ? [] : [userId]))
  const names = mentionedNames(text, entities).filter(isUsername).slice(0, MAX_LOOKED_UP_NAMES)
  const byName = names.length === 0 ? [] : await call.services.names.owners(names.map(usernameKey), call)
  return [...new Set([...byNumber, ...byName.filter((user) => user !== undefined)])]
}
