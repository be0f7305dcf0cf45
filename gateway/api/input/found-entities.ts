import type { MessageEntity } from '../../../actors/message/body.js'

/** What Telegram finds in a text by itself; each pattern runs in linear time. */
const PATTERNS: readonly { readonly type: string; readonly pattern: RegExp }[] = [
  { type: 'Url', pattern: /\bhttps?:\/\/[^\s<>"']{1,2048}/gi },
  { type: 'Email', pattern: /[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}/g },
  { type: 'Mention', pattern: /(?<![\w@])@[A-Za-z]\w{3,31}(?!\w)/g },
  { type: 'BotCommand', pattern: /(?<![\w/<])\/\w{1,64}(?![\w/])/g },
  { type: 'Hashtag', pattern: /(?<![\w#])#[\p{L}\d_]*[\p{L}_][\p{L}\d_]*/gu },
]

const TRAILING = /[.,;:!?)\]}'"]+$/
const MAX_FOUND = 100
const MAX_HASHTAG_UNITS = 256

/** Links, addresses, mentions, commands and hashtags that `given` does not cover. */
export function foundEntities(text: string, given: readonly MessageEntity[]): readonly MessageEntity[] {
  if (!/[:@/#]/.test(text)) return []
  const found: MessageEntity[] = []
  for (const { type, pattern } of PATTERNS) {
    for (const match of text.matchAll(pattern)) {
      const offset = match.index
      const length = (type === 'Url' ? match[0].replace(TRAILING, '') : match[0]).length
      if (type === 'Hashtag' && length > MAX_HASHTAG_UNITS) continue
      const entity = { type, offset, length }
      if (found.length < MAX_FOUND && ![...given, ...found].some((other) => overlaps(entity, other))) {
        found.push(entity)
      }
    }
  }
  return found
}

/** Marks such as bold may lie over a link; another link, code or mention may not. */
function overlaps(one: MessageEntity, other: MessageEntity): boolean {
  const marks = ['Bold', 'Italic', 'Underline', 'Strike', 'Spoiler', 'Blockquote']
  if (marks.includes(other.type)) return false
  return one.offset < other.offset + other.length && other.offset < one.offset + one.length
}

/** The names that the text's `Mention` entities mention, lower case, without '@', each once. */
export function mentionedNames(text: string, entities: readonly MessageEntity[]): readonly string[] {
  const names = entities
    .filter(({ type }) => type === 'Mention')
    .map(({ offset, length }) => text.slice(offset + 1, offset + length).toLowerCase())
  return [...new Set(names)]
}
