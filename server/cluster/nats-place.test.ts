import { expect, test } from 'vitest'
import { natsCredentials, readNats } from './nats-place.js'

test('an address names servers, and perhaps a user', () => {
  expect(readNats('nats://localhost')).toEqual({ servers: ['nats://localhost:4222'], isTls: false })
  expect(readNats('tls://ann:s%40d@a:4223,[::1]:4224,c')).toEqual({
    servers: ['tls://a:4223', 'tls://[::1]:4224', 'tls://c:4222'],
    isTls: true,
    user: 'ann',
    password: 's@d',
  })
  for (const wrong of [
    'localhost:4222',
    'http://a',
    'nats://',
    'nats://a b',
    'nats://a:99999999',
    'nats://a,',
    'nats://a/x',
  ])
    expect(() => readNats(wrong), wrong).toThrow('nats://host:4222')
})

test('a file holds the password of the user, a token, or what NATS calls credentials', () => {
  const jwt = '-----BEGIN NATS USER JWT-----\nabc'
  expect(natsCredentials(readNats('nats://a'), undefined)).toBeUndefined()
  expect(natsCredentials(readNats('nats://a'), jwt)).toEqual({ file: jwt })
  expect(natsCredentials(readNats('nats://a'), 'word')).toEqual({ token: 'word' })
  expect(natsCredentials(readNats('nats://ann@a'), 'word')).toEqual({ user: 'ann', password: 'word' })
  expect(natsCredentials(readNats('nats://ann:other@a'), undefined)).toEqual({ user: 'ann', password: 'other' })
})
