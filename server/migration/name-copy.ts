import type { ClaimedName, EmbeddedData } from '../../storage/index.js'
import { atOnce } from './at-once.js'
import type { MigrationTarget } from './target.js'

const rowsAtOnce = 16

export interface CopiedRows {
  readonly names: number
  readonly accounts: number
}

/**
 * Copies whose a name is, the search index and the account rows. They are copied and not made anew: the directory alone
 * knows which tokens of a name were given. Each row may be put again (NameDirectory D3, AccountStore A1, NameIndex N1).
 */
export async function copyNames(source: EmbeddedData, target: MigrationTarget): Promise<CopiedRows> {
  let names = 0
  let accounts = 0
  await atOnce(source.claimedNames(), rowsAtOnce, async (claimed) => {
    await target.owned()
    names++
    await copyClaim(target, claimed)
  })
  await atOnce(source.indexedNames(), rowsAtOnce, ({ name, userId }) => target.names.put(name, userId))
  await atOnce(source.accounts(), rowsAtOnce, async (row) => {
    await target.owned()
    accounts++
    await target.accounts.put(row)
  })
  return { names, accounts }
}

/**
 * The record gets the token that it had. A reservation that was open is as old as its token there, which is some
 * milliseconds younger at most: whoever finds it asks the journal, as before.
 */
async function copyClaim(
  { directory }: MigrationTarget,
  { kind, name, record: { holder, owned, token, reservedAtMs } }: ClaimedName,
): Promise<void> {
  const key = { kind, name }
  const [there] = await directory.find([key])
  if (there?.token === token && there.holder === holder && there.owned === owned) return
  // A name that nobody holds any more has had its last token too: whose it was does not matter.
  const user = holder ?? 0
  await directory.reserve({ ...key, user, atMs: token })
  if (holder === undefined) await directory.release({ ...key, user, upTo: token })
  else if (owned) await directory.confirm({ ...key, user, token: reservedAtMs === undefined ? token : token - 1 })
}
