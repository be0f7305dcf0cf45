import type { MessageEntity } from '../../../actors/message/body.js'
import type { Soon } from '../../../runtime/index.js'
import type { tl } from '../../tl/index.js'
import type { Call } from '../call.js'
import { refuseCall } from '../errors.js'
import { longToHex } from '../long.js'
import { userOf } from './peer.js'

const MAX_ENTITIES = 100
const MAX_URL_UNITS = 2048
const MAX_LANGUAGE_UNITS = 64

/** Types that carry nothing but their place. */
const PLAIN: ReadonlySet<string> = new Set([
  'Mention',
  'Hashtag',
  'Cashtag',
  'BotCommand',
  'Url',
  'Email',
  'Phone',
  'BankCard',
  'Bold',
  'Italic',
  'Underline',
  'Strike',
  'Spoiler',
  'Code',
])

const PREFIX = 'messageEntity'
const NO_ENTITIES: readonly MessageEntity[] = []

/**
 * Entities as a client gave them, checked against the text; unknown types and empty ones are left out, too many are
 * cut off. Refused: ENTITY_BOUNDS_INVALID, ENTITY_MENTION_USER_INVALID.
 */
export function entitiesOf(
  call: Call,
  given: readonly tl.TypeMessageEntity[] | undefined,
  text: string,
): Soon<readonly MessageEntity[]> {
  return given === undefined || given.length === 0 ? NO_ENTITIES : checkedEntities(call, given, text)
}

async function checkedEntities(
  call: Call,
  given: readonly tl.TypeMessageEntity[],
  text: string,
): Promise<readonly MessageEntity[]> {
  const entities = await Promise.all(given.slice(0, MAX_ENTITIES).map((entity) => entityOf(call, entity)))
  const known = entities.filter((entity) => entity !== undefined)
  for (const { offset, length } of known) {
    const isInside = Number.isInteger(offset) && Number.isInteger(length) && offset >= 0 && offset <= text.length
    if (!isInside || length < 0) refuseCall('ENTITY_BOUNDS_INVALID')
  }
  return known
    .map((entity) => ({ ...entity, length: Math.min(entity.length, text.length - entity.offset) }))
    .filter(({ length }) => length > 0)
    .sort((one, other) => one.offset - other.offset || other.length - one.length)
}

async function entityOf(call: Call, entity: tl.TypeMessageEntity): Promise<MessageEntity | undefined> {
  const place = { offset: entity.offset, length: entity.length }
  switch (entity._) {
    case 'inputMessageEntityMentionName':
      return { type: 'MentionName', ...place, userId: await mentionedUser(call, entity) }
    // Only the server's own: what a client forwards as its copy names a user without a hash.
    case 'messageEntityMentionName':
    case 'messageEntityUnknown':
      return undefined
    case 'messageEntityTextUrl':
      return entity.url.length > MAX_URL_UNITS ? undefined : { type: 'TextUrl', ...place, url: entity.url }
    case 'messageEntityPre':
      return { type: 'Pre', ...place, language: entity.language.slice(0, MAX_LANGUAGE_UNITS) }
    case 'messageEntityBlockquote':
      return { type: 'Blockquote', ...place, ...(entity.collapsed && { collapsed: true }) }
    case 'messageEntityCustomEmoji':
      return { type: 'CustomEmoji', ...place, documentId: longToHex(entity.documentId) }
    default: {
      const type = entity._.slice(PREFIX.length)
      return PLAIN.has(type) ? { type, ...place } : undefined
    }
  }
}

async function mentionedUser(call: Call, { userId }: tl.RawInputMessageEntityMentionName): Promise<number> {
  try {
    return await userOf(call, userId)
  } catch {
    return refuseCall('ENTITY_MENTION_USER_INVALID')
  }
}
