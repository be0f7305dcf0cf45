import { writeSync } from 'node:fs'
import { errorCode, type Journal, shardOf, systemClock } from '../../runtime/index.js'
import { noLog } from '../../runtime/testing/index.js'
import { type EmbeddedStorage, openEmbeddedStorage } from '../index.js'

/**
 * A process for tests to kill: `committing-process.js <directory> <actors> <bodyBytes>` commits without end to that many
 * actors at once. Its lines, each written before it goes on: `ready`, `refused <reason>: <message>`, then
 * `stored <actor> <number>` for what was acknowledged and `failed <code>` for what was not. Ends after 20 failures.
 */
const [directory = '', actorsText = '1', bodyBytesText = '100'] = process.argv.slice(2)
const say = (line: string) => writeSync(1, `${line}\n`)
const body = Buffer.alloc(Number(bodyBytesText), 'b')
let failures = 0

async function commitForever(storage: EmbeddedStorage, key: string): Promise<void> {
  const actor = { kind: 'chat', key, shard: shardOf('chat', key, storage.ownership.shardCount) }
  const { journal, tail } = await storage.journals.open(actor, {
    epoch: storage.ownership.epoch,
    attempt: 1,
    mayKeepWriter: false,
  })
  let pts = tail.length
  while (failures < 20) {
    const outcome = await commit(journal, pts + 1, key)
    if (outcome === 'stored') say(`stored ${key} ${++pts}`)
    else {
      failures++
      say(`failed ${outcome}`)
    }
  }
}

async function commit(journal: Journal, pts: number, key: string): Promise<string> {
  const fact = Buffer.from(`${key}:${pts}`)
  try {
    await journal.commit({
      entries: [{ pts, ordinal: 0, count: 1, atMs: 0, fact, body }],
      before: { undelivered: pts === 1 },
    })
    return 'stored'
  } catch (error) {
    return String(errorCode(error))
  }
}

try {
  const storage = await openEmbeddedStorage({ directory, clock: systemClock, log: noLog })
  say('ready')
  await Promise.all(Array.from({ length: Number(actorsText) }, (_, i) => commitForever(storage, `${i}`)))
  await storage.close()
} catch (error) {
  say(`refused ${errorCode(error)}: ${(error as Error).message}`)
}
