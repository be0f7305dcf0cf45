import { expect, test } from 'vitest'
import { addressGroup, addressOfText, isLoopback, plainAddress } from './client-address.js'

const bytes = (text: string) => new Uint8Array(Buffer.from(text)).buffer

test('IPv4 has one spelling, whatever socket it came through', () => {
  expect(plainAddress('::ffff:192.0.2.7')).toBe('192.0.2.7')
  expect(plainAddress('192.0.2.7')).toBe('192.0.2.7')
  expect(addressOfText(bytes('0000:0000:0000:0000:0000:ffff:c000:0207'))).toBe('192.0.2.7')
  expect(addressOfText(bytes('127.0.0.1'))).toBe('127.0.0.1')
})

test('limits count an IPv4 address, and a network of IPv6 in any spelling', () => {
  expect(addressGroup('192.0.2.7')).toBe('192.0.2.7')
  for (const spelling of ['2001:db8:0:1::7', '2001:0db8:0000:0001:0000:0000:0000:0009', '2001:db8:0:1:aaaa::']) {
    expect(addressGroup(spelling)).toBe('2001:db8:0:1::/64')
  }
  expect(addressGroup('::1')).toBe('0:0:0:0::/64')
  expect(addressGroup('fe80::1%eth0')).toBe('fe80:0:0:0::/64')
})

test('loopback is known in every spelling, and as what limits count', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '0000:0000:0000:0000:0000:0000:0000:0001', '0:0:0:0::/64'])
    expect(isLoopback(address)).toBe(true)
  for (const address of ['192.0.2.7', '12.7.0.1', '2001:db8::1', 'fe80::1']) expect(isLoopback(address)).toBe(false)
})
