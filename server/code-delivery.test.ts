import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { codeDelivery } from './code-delivery.js'

interface Posted {
  readonly body: unknown
  readonly headers: IncomingMessage['headers']
}

let provider: Server
let posted: Posted[]
let answer: number

beforeEach(async () => {
  posted = []
  answer = 204
  provider = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    posted.push({ body: JSON.parse(Buffer.concat(chunks).toString()), headers: request.headers })
    response.writeHead(answer, answer === 302 ? { location: '/elsewhere' } : {}).end()
  })
  await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve))
})
afterEach(() => new Promise((resolve) => provider.close(resolve)))

const code = { phone: '15550001', code: '48151' }
const webhook = (secret?: string) =>
  codeDelivery(
    { driver: 'webhook', url: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/sms`, secret },
    { fetch, print: () => {} },
  )

test('the webhook gets phone and code, and the secret by which it knows the caller', async () => {
  expect(await webhook('hush').deliver(code)).toBe('sms')
  expect(posted).toMatchObject([{ body: code, headers: { authorization: 'Bearer hush' } }])
})

test('without a secret there is no such header', async () => {
  await webhook().deliver(code)
  expect(posted[0]?.headers.authorization).toBeUndefined()
})

test.each([500, 404, 302])('an answer %d is a failure, whose message does not hold the code', async (status) => {
  answer = status
  const failure = await webhook()
    .deliver(code)
    .catch((error: Error) => error)
  expect(failure).toBeInstanceOf(Error)
  expect(String(failure)).not.toContain(code.code)
})

test('the console driver prints a line for the person at the terminal', async () => {
  const lines: string[] = []
  const driver = codeDelivery({ driver: 'console' }, { fetch, print: (line) => lines.push(line) })
  expect(await driver.deliver(code)).toBe('sms')
  expect(lines).toEqual(['Login code for +15550001: 48151'])
})
