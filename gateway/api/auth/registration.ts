/**
 * A new account: reserve, entry, confirm.
 *
 * R1. The phone number's actor decides which account a number gets: two registrations at once end in one account.
 * R2. A registration that was cut off anywhere is taken up by the next: the reservation names the account's id.
 */
import { ACCOUNT_SHARDS, IdAllocator } from '../../../actors/id-allocator/contract.js'
import { Phone } from '../../../actors/phone/contract.js'
import type { AccountProfile } from '../../../actors/user/changes.js'
import { refusalReason } from '../../../runtime/index.js'
import type { Call } from '../call.js'

/** The account of the number, made now unless there is one already. */
export async function registered(call: Call, phone: string, profile: AccountProfile): Promise<number> {
  const directory = call.ref(Phone, phone)
  const { from, to } = call.services.config.accountShards ?? { from: 0, to: ACCOUNT_SHARDS - 1 }
  const shard = from + call.services.random.int(to - from + 1)
  const fresh = await call.ref(IdAllocator, { purpose: 'user', shard }).next()
  const { user, owned } = await directory.reserve(fresh)
  if (owned) return user
  await call
    .user(user)
    .register({ phone, profile })
    .catch((error) => {
      if (refusalReason(error) !== 'PHONE_NUMBER_OCCUPIED') throw error
    })
  await directory.confirm(user)
  call.services.people.forgetUser(user)
  return user
}
