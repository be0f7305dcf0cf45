import { expect, test } from 'vitest'
import { testKeyspace } from '../testing/cassandra-server.js'
import { actorList } from './actor-list.js'
import { lineages } from './tables.js'

const keyspace = testKeyspace('actor_list')

test('lists every actor once, over more than one page, however many lineages it has', async () => {
  const session = keyspace.session()
  const expected = Array.from({ length: 1_100 }, (_, at) => `user/${at}`)
  const writes = expected.flatMap((name) => [1, 2].map((epoch) => [name.slice(5), epoch] as const))
  for (let at = 0; at < writes.length; at += 200) {
    await Promise.all(
      writes
        .slice(at, at + 200)
        .map(([key, epoch]) =>
          session.write({ query: lineages.insert, parameters: ['user', key, epoch, 1, 0, 1, []] }),
        ),
    )
  }
  const found: string[] = []
  for await (const { kind, key } of actorList(session)) found.push(`${kind}/${key}`)
  expect(found.sort()).toEqual(expected.sort())
})
