import { isDeepStrictEqual } from 'node:util'
import type { EmbeddedData } from '../../storage/index.js'
import { atOnce } from './at-once.js'
import type { Differences } from './differences.js'
import type { CopiedRows } from './name-copy.js'
import type { MigrationTarget } from './target.js'

const rowsAtOnce = 16
/** Accounts that may share a name of the index, which is compared without regard to case. */
const mostNamesakes = 100
/** Shorter names cannot be searched for (NameIndex N4). */
const shortestSearched = 3

/** Compares whose each name is, the search index and the account rows. */
export async function compareNames(
  source: EmbeddedData,
  target: MigrationTarget,
  differences: Differences,
): Promise<CopiedRows> {
  let names = 0
  let accounts = 0
  let indexed = 0
  await atOnce(source.claimedNames(), rowsAtOnce, async ({ kind, name, record }) => {
    names++
    const [there] = await target.directory.find([{ kind, name }])
    const isOpen = record.reservedAtMs !== undefined
    const isSame =
      there === undefined
        ? record.holder === undefined
        : there.holder === record.holder &&
          there.owned === record.owned &&
          there.token >= record.token &&
          (there.reservedAtMs !== undefined) === isOpen
    if (!isSame) differences.add(`${kind} ${name}`, 'another record in the directory')
  })
  await atOnce(source.indexedNames(), rowsAtOnce, async ({ name, userId }) => {
    indexed++
    if (name.length < shortestSearched) return
    const found = await target.names.prefix(name, mostNamesakes)
    if (!found.some((match) => match.userId === userId && match.name === name)) {
      differences.add(`name ${name}`, `not in the search index for user ${userId}`)
    }
  })
  await atOnce(source.accounts(), rowsAtOnce, async (row) => {
    accounts++
    const [there] = await target.accounts.get([{ id: row.id, atLeast: row.version }])
    if (!there) differences.add(`account ${row.id}`, 'no row')
    else if (!isDeepStrictEqual({ ...there }, { ...row })) differences.add(`account ${row.id}`, 'another row')
  })
  await compareCounts(target, { names, indexed, accounts }, differences)
  return { names, accounts }
}

/** What only the servers have was asked for by nobody above. */
async function compareCounts(
  target: MigrationTarget,
  here: Awaited<ReturnType<MigrationTarget['rowCounts']>>,
  differences: Differences,
): Promise<void> {
  const there = await target.rowCounts()
  const compare = (what: string, ours: number, theirs: number) => {
    if (ours !== theirs) differences.add(what, `${ours} in the directory, ${theirs} on the servers`)
  }
  compare('names', here.names, there.names)
  compare('names of the search index', here.indexed, there.indexed)
  compare('account rows', here.accounts, there.accounts)
}
