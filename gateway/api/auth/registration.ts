/**
 * A new account: reserve, then entry; the new account's actor confirms.
 *
 * R1. The directory decides which account a number gets: two registrations at once end in one account.
 * R2. A registration that was cut off anywhere is taken up by the next: the reservation names the account's id.
 */
import { ACCOUNT_SHARDS, IdAllocator } from '../../../actors/id-allocator/contract.js'
import type { AccountProfile } from '../../../actors/user/changes.js'
import { refusalReason } from '../../../runtime/index.js'
import type { Call } from '../call.js'

/** The account of the number, made now unless there is one already. */
export async function registered(call: Call, phone: string, profile: AccountProfile): Promise<number> {
  const { from, to } = call.services.config.accountShards ?? { from: 0, to: ACCOUNT_SHARDS - 1 }
  const shard = from + call.services.random.int(to - from + 1)
  const fresh = await call.ref(IdAllocator, { purpose: 'user', shard }).next()
  const { user, owned } = await call.services.names.reservePhone({ phone, user: fresh }, call)
  if (owned) return user
  await call
    .user(user)
    .register({ phone, profile, homeDc: call.services.config.dcId })
    .catch((error) => {
      if (refusalReason(error) !== 'PHONE_NUMBER_OCCUPIED') throw error
    })
  call.services.people.forgetUser(user)
  return user
}
