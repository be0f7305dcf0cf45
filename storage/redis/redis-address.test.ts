import { expect, test } from 'vitest'
import { parseRedisUrl } from './redis-address.js'

const one = { kind: 'single', tls: false, database: 0 } as const

test.each([
  ['redis://localhost', { ...one, hosts: [{ host: 'localhost', port: 6379 }] }],
  ['redis://[::1]:7000/3', { ...one, hosts: [{ host: '::1', port: 7000 }], database: 3 }],
  ['rediss://:p%40ss:w@h', { ...one, tls: true, hosts: [{ host: 'h', port: 6379 }], password: 'p@ss:w' }],
  ['redis://user:word@h/', { ...one, hosts: [{ host: 'h', port: 6379 }], username: 'user', password: 'word' }],
  [
    'redis+sentinel://s1,s2:1/main/2',
    {
      kind: 'sentinel',
      tls: false,
      hosts: [
        { host: 's1', port: 26_379 },
        { host: 's2', port: 1 },
      ],
      name: 'main',
      database: 2,
    },
  ],
  [
    'rediss+cluster://a:1,b:2',
    {
      kind: 'cluster',
      tls: true,
      hosts: [
        { host: 'a', port: 1 },
        { host: 'b', port: 2 },
      ],
      database: 0,
    },
  ],
])('%s', (url, address) => {
  expect(parseRedisUrl(url)).toEqual(address)
})

test.each([
  '',
  'http://h',
  'redis://',
  'redis://h:0',
  'redis://h:70000',
  'redis://h/x',
  'redis://h/1/2',
  'redis://a,b',
  'redis://h?db=1',
  'redis+sentinel://s',
  'redis+sentinel://s/',
  'redis+cluster://a/1',
  'redis://secret%zz:secret@h',
])('%s is refused with a cure that holds no part of it', (url) => {
  expect(() => parseRedisUrl(url)).toThrow(RangeError)
  expect(() => parseRedisUrl(url)).not.toThrow(/secret/)
})
