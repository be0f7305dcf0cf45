import type { Peer } from '../../../actors/chat/chat-id.js'
import type { MessageBody, MessageEntity } from '../../../actors/message/body.js'
import { isUsername, Username } from '../../../actors/username/contract.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { entitiesOf } from './entities.js'
import { foundEntities, mentionedNames } from './found-entities.js'
import { MAX_MESSAGE_UNITS } from './text.js'

/** Names looked up for one message; more are shown but notify nobody. */
const MAX_LOOKED_UP_NAMES = 20

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
export async function composedText(call: Call, input: TextInput, peer: Peer): Promise<ComposedText> {
  const body = await textOf(call, input)
  if (body.text === '') return refuseCall('MESSAGE_EMPTY')
  return { body, mentions: await mentionsOf(call, body, peer) }
}

/** As `composedText`, and may be empty: drafts. */
export async function textOf(call: Call, input: TextInput): Promise<MessageBody> {
  const { message } = input
  if (message.length > MAX_MESSAGE_UNITS) return refuseCall('MESSAGE_TOO_LONG')
  const start = message.length - message.trimStart().length
  const given = shifted(await entitiesOf(call, input.entities, message), start, message.trim().length)
  const text = message.trim()
  const entities = [...given, ...foundEntities(text, given)].sort((one, other) => one.offset - other.offset)
  return {
    text,
    ...(entities.length > 0 && { entities }),
    ...(input.noWebpage && { noWebpage: true }),
    ...(input.invertMedia && { invertMedia: true }),
  }
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
async function mentionsOf(call: Call, { text, entities = [] }: MessageBody, peer: Peer): Promise<readonly number[]> {
  if (peer.kind === 'user') return []
  const byNumber = entities.flatMap(({ userId }) => (userId === undefined ? [] : [userId]))
  const names = mentionedNames(text, entities).filter(isUsername).slice(0, MAX_LOOKED_UP_NAMES)
  const byName = await Promise.all(names.map((name) => call.ref(Username, name).owner()))
  return [...new Set([...byNumber, ...byName.filter((user) => user !== undefined)])]
}
