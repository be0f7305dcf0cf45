import { expect, test } from 'vitest'
import { ActorError } from '../runtime/index.js'
import { readSettings } from './settings.js'
import { startRefusal } from './start-refusal.js'

const settings = readSettings({})
const systemError = (code: string, more: object = {}) => Object.assign(new Error(code), { code, ...more })

test.each([
  ['a port in use', systemError('EADDRINUSE', { port: 8080 }), 'HELIOGRAPH_HTTP_PORT=8080: something else listens'],
  ['the other port in use', systemError('EADDRINUSE', { port: 4430 }), 'HELIOGRAPH_MTPROTO_PORT=4430: something else'],
  ['a foreign address', systemError('EADDRNOTAVAIL'), 'HELIOGRAPH_HOST=127.0.0.1: this machine has no such address'],
  ['a port of the system', systemError('EACCES', { port: 4430 }), 'HELIOGRAPH_MTPROTO_PORT=4430: this user may not'],
  [
    'a folder that is not ours',
    systemError('EACCES', { path: '/data' }),
    'HELIOGRAPH_DATA_DIR=./data: /data cannot be',
  ],
  [
    'a cure that a part knows',
    Object.assign(new Error('the folder is in use'), { cure: 'stop the other' }),
    ': stop the other',
  ],
])('%s is told in one line with its cure', (_, error, line) => {
  const told = startRefusal(error, settings)
  expect(told).toContain(line)
  expect(told).not.toContain('\n')
})

test('a data directory that the storage refuses is told with the cure that the storage knows', () => {
  const error = new ActorError('REFUSED', 'in use by process 7. Stop it first.')
  expect(startRefusal(error, settings)).toBe('HELIOGRAPH_DATA_DIR=./data: in use by process 7. Stop it first.')
})

test('what is ours to mend is not dressed up as a setting', () => {
  expect(startRefusal(new TypeError('x is undefined'), settings)).toBeUndefined()
})
