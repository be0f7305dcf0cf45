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
