import { expect, test } from 'vitest'
import { refusalReason } from '../../runtime/index.js'
import { readCassandra } from './connection-text.js'

test('hosts alone are enough', () => {
  expect(readCassandra('cassandra://10.0.0.1')).toEqual({
    contactPoints: ['10.0.0.1'],
    localDataCenter: 'dc1',
    keyspace: 'heliograph',
    replication: 3,
  })
})

test('everything can be said', () => {
  expect(readCassandra('cassandra://me:a%40b@c1:9043,c2/chats?dc=europe&replication=1&tls=on')).toEqual({
    contactPoints: ['c1:9043', 'c2'],
    localDataCenter: 'europe',
    keyspace: 'chats',
    replication: 1,
    credentials: { username: 'me', password: 'a@b' },
    tls: {},
  })
})

test('what makes no sense is refused, without the password', () => {
  const wrong = ['', 'c1', 'postgres://c1', 'cassandra://', 'cassandra://me:secret@c1/A', 'cassandra://c1/k?rf=3']
  for (const text of [...wrong, 'cassandra://me:secret@c1/k?replication=0', 'cassandra://c1/k?tls=yes']) {
    let error: unknown
    try {
      readCassandra(text)
    } catch (caught) {
      error = caught
    }
    expect([text, refusalReason(error)]).toEqual([text, 'BAD_CASSANDRA'])
    expect((error as Error).message).not.toContain('secret')
  }
})
