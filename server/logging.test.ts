import { expect, test } from 'vitest'
import { createLogging } from './logging.js'

function logged(level: 'info' | 'warn', write: (logging: ReturnType<typeof createLogging>) => void) {
  const lines: string[] = []
  const logging = createLogging(level, { write: (line: string) => void lines.push(line) })
  write(logging)
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test('a line is JSON that names its part, its level in words and its moment', () => {
  const [line] = logged('info', (logging) => logging.component('gateway').info({ traceId: 'abc' }, 'accepted'))
  expect(line).toMatchObject({ component: 'gateway', level: 'info', traceId: 'abc', msg: 'accepted' })
  expect(Date.parse(String(line?.time))).toBeGreaterThan(0)
})

test('what is less severe than asked for is not written', () => {
  const lines = logged('warn', (logging) => {
    logging.component('x').info({}, 'no')
    logging.component('x').warn({}, 'yes')
  })
  expect(lines.map(({ msg }) => msg)).toEqual(['yes'])
})

test('errors are told with their stack and code, secrets are not', () => {
  const err = Object.assign(new Error('no space'), { code: 'ENOSPC' })
  const fields = { err, error: err, password: 'hush', request: { phoneCode: '22222', phone: '1' } }
  const [line] = logged('info', (logging) => logging.component('x').error(fields, 'failed'))
  expect(line).toMatchObject({
    err: { message: 'no space', code: 'ENOSPC' },
    error: { message: 'no space', code: 'ENOSPC', stack: expect.stringContaining('logging.test') },
    request: { phone: '1' },
  })
  expect(JSON.stringify(line)).not.toMatch(/hush|22222/)
})
