import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { listeningFile } from './listening-file.js'

let scratch: string
beforeEach(() => {
  scratch = mkdtempSync(join(tmpdir(), 'heliograph-'))
})
afterEach(() => rmSync(scratch, { recursive: true }))

test('says where both listeners are, and leaves nothing else behind', () => {
  const file = listeningFile(scratch)
  file.write({ mtproto: { host: '127.0.0.1', port: 4430 }, http: { host: '127.0.0.1', port: 8080 } })
  expect(readdirSync(scratch)).toEqual(['listening.json'])
  expect(JSON.parse(readFileSync(join(scratch, 'listening.json'), 'utf8'))).toEqual({
    mtproto: { host: '127.0.0.1', port: 4430 },
    http: { host: '127.0.0.1', port: 8080 },
  })
})

test('names an address that can be dialled when the server listens on all', () => {
  listeningFile(scratch).write({ mtproto: { host: '0.0.0.0', port: 1 }, http: { host: '::', port: 2 } })
  const { mtproto, http } = JSON.parse(readFileSync(join(scratch, 'listening.json'), 'utf8'))
  expect([mtproto.host, http.host]).toEqual(['127.0.0.1', '::1'])
})

test('is removed, whether or not it is there', () => {
  const file = listeningFile(scratch)
  file.remove()
  file.write({ mtproto: { host: '::1', port: 1 }, http: { host: '::1', port: 2 } })
  file.remove()
  expect(existsSync(join(scratch, 'listening.json'))).toBe(false)
})
