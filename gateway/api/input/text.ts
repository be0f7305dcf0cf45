import { refuseCall } from '../errors.js'

/** Limits that clients know from Telegram, in UTF-16 units. */
export const MAX_MESSAGE_UNITS = 4096
export const MAX_TITLE_UNITS = 128
export const MAX_NAME_UNITS = 64
/** A person's own description. */
export const MAX_BIO_UNITS = 70
export const MAX_ABOUT_UNITS = 255

/** A short single-line text: white space at its ends and control characters taken away. */
export function lineOf(text: string, maxUnits: number, whenEmpty: string, whenLong = whenEmpty): string {
  const line = plain(text)
  if (line === '') return refuseCall(whenEmpty)
  return line.length > maxUnits ? refuseCall(whenLong) : line
}

/** As `lineOf`, and may be empty. */
export function optionalLineOf(text: string, maxUnits: number, whenLong: string): string {
  const line = plain(text)
  return line.length > maxUnits ? refuseCall(whenLong) : line
}

function plain(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  return text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim()
}

interface Placed {
  readonly offset: number
  readonly length: number
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f]/

/**
 * A text of several lines with its control characters taken away, and what is placed in it moved along: line feeds
 * stay, carriage returns go, each other one becomes a space, as in Telegram's own clients.
 */
export function linesOf<P extends Placed>(text: string, placed: readonly P[]): { text: string; placed: readonly P[] } {
  if (!CONTROL.test(text)) return { text, placed }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken away
  const spaced = text.replace(/[\u0000-\u0009\u000b\u000c\u000e-\u001f\u007f]/g, ' ')
  if (!spaced.includes('\r')) return { text: spaced, placed }
  const moved = (at: number) => spaced.slice(0, at).replaceAll('\r', '').length
  const kept = placed.map((one) => {
    const offset = moved(one.offset)
    return { ...one, offset, length: moved(one.offset + one.length) - offset }
  })
  return { text: spaced.replaceAll('\r', ''), placed: kept.filter(({ length }) => length > 0) }
}
