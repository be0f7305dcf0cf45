import { actorType } from '../../runtime/index.js'

/**
 * Who owns a phone number: one actor a number (digits). Registration is reserve (which allots the user's id), entry in
 * the new user's journal (User.register), confirm; an abandoned reservation is resolved against that journal.
 */
export interface Phone {
  owner(): Promise<number | undefined>
  /** Reserves the number for `user`, a fresh id; answers with the owner or earlier live reservation's user when there is one. */
  reserve(user: number): Promise<{ readonly user: number; readonly owned: boolean }>
  confirm(user: number): Promise<void>
  /** No effect unless `user` holds it. */
  release(user: number): Promise<void>
}

const PHONE = /^[1-9][0-9]{4,14}$/

/** Digits of an international number (E.164), without '+' or spaces; undefined when it is none. */
export function normalizePhone(text: string): string | undefined {
  const digits = text.replace(/[\s()+.-]/g, '')
  return PHONE.test(digits) ? digits : undefined
}

export const Phone = actorType<Phone, string>('phone', {
  methods: { owner: 'turn', reserve: 'turn', confirm: 'turn', release: 'turn' },
  key: (id) => {
    if (!PHONE.test(id)) throw new TypeError('bad phone number')
    return id
  },
  parse: (key) => key,
})
