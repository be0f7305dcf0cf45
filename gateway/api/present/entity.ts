import type { MessageEntity } from '../../../actors/message/body.js'
import type { tl } from '../../tl/index.js'
import { longFromHex } from '../long.js'

/** TL `messageEntity...`. */
function presentEntity(entity: MessageEntity): tl.TypeMessageEntity {
  const { type, offset, length } = entity
  // The gateway checked the fields of each type on their way in (input/entities.ts).
  const fields: { _: string; offset: number; length: number } & Record<string, unknown> = {
    _: `messageEntity${type}`,
    offset,
    length,
    url: entity.url,
    userId: entity.userId,
    language: type === 'Pre' ? (entity.language ?? '') : undefined,
    documentId: entity.documentId === undefined ? undefined : longFromHex(entity.documentId),
    collapsed: entity.collapsed,
  }
  return fields as { _: 'messageEntityUnknown' } & typeof fields
}

/** Undefined for none, so that the flag is left out. */
export function presentEntities(entities: readonly MessageEntity[] | undefined): tl.TypeMessageEntity[] | undefined {
  return entities === undefined || entities.length === 0 ? undefined : entities.map(presentEntity)
}
