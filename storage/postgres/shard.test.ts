import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { refusalReason } from '../../runtime/index.js'
import { limitsOf } from './limits.js'
import { readServerList } from './server-list.js'
import { accountShard, indexShard, nameShard, readShards, SHARDS } from './shard.js'

const reasonOf = (run: () => unknown) => {
  try {
    run()
    return undefined
  } catch (error) {
    return refusalReason(error)
  }
}

describe('shards', () => {
  test('are where stored rows expect them, for ever', () => {
    expect(accountShard(2 ** 45 + 1029)).toBe(5)
    expect(nameShard({ kind: 'username', name: 'alice' })).toBe(914)
    expect(nameShard({ kind: 'phone', name: '15550001' })).toBe(840)
    expect(indexShard('alice')).toBe(indexShard('ali'))
    expect(indexShard('alice')).toBe(199)
  })

  test('get their share of names that differ little', () => {
    const counts = new Array<number>(SHARDS).fill(0)
    for (let n = 0; n < 100 * SHARDS; n++) counts[nameShard({ kind: 'phone', name: `4917${1_000_000 + n}` })]!++
    expect(Math.min(...counts)).toBeGreaterThan(50)
    expect(Math.max(...counts)).toBeLessThan(150)
  })

  test('are named by operators as numbers and ranges, of all families or one', () => {
    expect(readShards('name:17')).toEqual([{ family: 'name', shard: 17 }])
    expect(readShards('3').map(({ family, shard }) => `${family} ${shard}`)).toEqual(['account 3', 'name 3', 'index 3'])
    expect(readShards('account:0-1023')).toHaveLength(1024)
    for (const bad of ['', '1024', '5-3', 'chat:1', 'name:', '-1', '1-', 'all']) {
      expect(
        reasonOf(() => readShards(bad)),
        bad,
      ).toBe('BAD_SHARDS')
    }
  })
})

test('servers are named by their list; what is wrong is told without an address', () => {
  expect(readServerList('a=postgres://h/d|postgres://r/d \n b-2=postgresql://u:p@h:5433/d')).toEqual([
    { name: 'a', url: 'postgres://h/d', replicas: ['postgres://r/d'] },
    { name: 'b-2', url: 'postgresql://u:p@h:5433/d' },
  ])
  for (const bad of [
    '',
    'a',
    'a=',
    'a=http://h/d',
    'A=postgres://h/d',
    'a=postgres://h/d a=postgres://i/d',
    'a=postgres://h|x',
  ]) {
    expect(
      reasonOf(() => readServerList(bad)),
      bad,
    ).toBe('BAD_SERVERS')
  }
  expect(() => readServerList('a=mysql://u:secret@h/d')).not.toThrow(/secret/)
})

test('a limit that is none, or makes clients wait longer than they sleep, is refused', () => {
  expect(limitsOf({ pauseMs: 10_000 }).pauseMs).toBe(10_000)
  for (const bad of [{ pauseMs: 10_001 }, { writeConnectionsAServer: 0 }, { repeatForMs: 1.5 }]) {
    expect(reasonOf(() => limitsOf(bad))).toBe('BAD_LIMIT')
  }
})

test('all processes of docker-compose.yml together stay within the limit of their role', () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8')
  const processes = read('docker-compose.yml').match(/<<: \*program\n/g)!.length
  const limit = Number(/CONNECTION LIMIT (\d+)/.exec(read('deploy/postgres/program-role.sh'))![1])
  const { readConnectionsAServer, writeConnectionsAServer } = limitsOf()
  // Reads and writes may have one more open each, which asks what became of the others.
  const each = readConnectionsAServer + writeConnectionsAServer + 2
  expect(processes * each).toBeLessThanOrEqual(limit)
  expect(read('docs/operations.md')).toContain(`a \`CONNECTION LIMIT\` of ${each} for each process`)
})
