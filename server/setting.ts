import { isIP } from 'node:net'
import { TrustedProxies } from '../gateway/index.js'

/** One setting: how it is named, read, documented. `T` is what it is in the record; undefined means "not given". */
export interface Setting<T> {
  readonly env: string
  /** What may be given, in words for a person: `number`, `on, off`. */
  readonly accepts: string
  /** The unit of a number: `ms`, `bytes`, `connections`; a dash for what has none. */
  readonly unit: string
  readonly default: T
  /** The default as the README tells it, where the value alone does not say it. */
  readonly defaultInWords?: string
  readonly doc: string
  /** Never shown in an error or a log. */
  readonly secret?: boolean
  /** @throws WrongValue with the cure */
  readonly parse: (text: string) => T
}

/** A value that a setting cannot take. The message is the cure: what to give instead. */
export class WrongValue extends Error {}

interface Described<T> {
  readonly env: string
  readonly default: T
  readonly defaultInWords?: string
  readonly doc: string
}

/** A whole number within bounds; undefined when it is not given and something else decides. */
export function integer<T extends number | undefined>(
  setting: Described<T> & { readonly unit: string; readonly min: number; readonly max: number },
): Setting<T | number> {
  const { min, max, ...described } = setting
  const range = `${min} to ${max}`
  return {
    ...described,
    accepts: range,
    parse(text) {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      if (value >= min && value <= max) return value
      throw new WrongValue(`give a whole number from ${range}${setting.unit === '-' ? '' : ` (${setting.unit})`}`)
    },
  }
}

/** A port to listen on; 0 takes a free one. */
export function port(setting: Described<number>): Setting<number> {
  return integer({ ...setting, unit: '-', min: 0, max: 65_535 })
}

/** One of a few words. */
export function choice<const T extends string>(
  setting: Described<NoInfer<T>> & { readonly of: readonly T[] },
): Setting<T> {
  const { of: words, ...described } = setting
  return {
    ...described,
    accepts: words.join(', '),
    unit: '-',
    parse(text) {
      const word = words.find((each) => each === text)
      if (word === undefined) throw new WrongValue(`give one of: ${words.join(', ')}`)
      return word
    },
  }
}

/** Text that is not empty. */
export function text<const T extends string | undefined>(
  setting: Described<T> & { readonly accepts: string },
): Setting<T | string> {
  return { ...setting, unit: '-', parse: (given) => given }
}

/** A name of letters, digits, dashes and underscores: it is part of NATS's subjects. */
export function nodeName<const T extends string | undefined>(setting: Described<T>): Setting<T | string> {
  return {
    ...setting,
    accepts: 'name',
    unit: '-',
    parse(given) {
      if (/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/.test(given)) return given
      throw new WrongValue('give a name of at most 63 letters, digits, dashes and underscores')
    },
  }
}

/** Something only the server and its counterpart know, sent in a header; never shown. */
export function secret(setting: Described<undefined>): Setting<string | undefined> {
  return {
    ...setting,
    accepts: 'text',
    unit: '-',
    secret: true,
    parse(given) {
      if (/^[\x21-\x7e]+$/.test(given)) return given
      throw new WrongValue('give printable ASCII without spaces: it travels in a header')
    },
  }
}

/** `on` or `off`; undefined when it is not given and something else decides. */
export function onOff<const T extends boolean | undefined>(setting: Described<T>): Setting<T | boolean> {
  return {
    ...setting,
    accepts: 'on, off',
    unit: '-',
    parse(given) {
      if (given === 'on' || given === 'off') return given === 'on'
      throw new WrongValue('give on or off')
    },
  }
}

/** An IP address as clients can dial it: no name, and not one that stands for "every address". */
export function literalAddress(setting: Described<undefined>): Setting<string | undefined> {
  return {
    ...setting,
    accepts: 'IP address',
    unit: '-',
    parse(given) {
      if (isIP(given) === 0)
        throw new WrongValue('give an IP address, like 192.168.1.20: clients cannot look up a name')
      if (isEveryAddress(given)) throw new WrongValue('give one address that clients can reach, not one for all')
      return given
    },
  }
}

/** An http or https address. */
export function webAddress(setting: Described<undefined>): Setting<string | undefined> {
  return {
    ...setting,
    accepts: 'URL',
    unit: '-',
    parse(given) {
      const url = URL.canParse(given) ? new URL(given) : undefined
      if (url?.protocol === 'http:' || url?.protocol === 'https:') return url.href
      throw new WrongValue('give a URL that starts with https:// or http://')
    },
  }
}

/** Where a store is, as `check` reads it, which throws a message with the cure. It may hold a password: it is never shown. */
export function storeAddress(
  setting: Described<undefined> & { readonly check: (given: string) => unknown },
): Setting<string | undefined> {
  const { check, ...described } = setting
  return {
    ...described,
    accepts: 'URL',
    unit: '-',
    secret: true,
    parse(given) {
      try {
        check(given)
        return given
      } catch (error) {
        throw new WrongValue((error as Error).message)
      }
    },
  }
}

/** Addresses and networks, with commas between them. */
export function networks(setting: Described<readonly string[]>): Setting<readonly string[]> {
  return {
    ...setting,
    accepts: 'IP addresses, networks',
    unit: '-',
    parse(given) {
      const list = given.split(',').map((each) => each.trim())
      try {
        new TrustedProxies(list)
        return list
      } catch (error) {
        throw new WrongValue((error as Error).message)
      }
    },
  }
}

/** `0.0.0.0` and `::`: listen everywhere. */
export function isEveryAddress(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

/** An address that only programs on the same machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}
