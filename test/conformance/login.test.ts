/** Logging in and signing up: codes by the console and as a service message, explicit sign-up, what is refused. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { SentCode } from '@mtcute/node'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { gramjsGuest, hearsUpdates, testCode, waitUntil } from '../harness/index.js'
import { stage } from './stage.js'

describe('a server where an unknown number has to sign up', () => {
  const on = stage({ env: { HELIOGRAPH_SIGN_UP: 'explicit' } })

  test('GramJS is asked for a name, and is known by it afterwards', async () => {
    const phone = on.newPhone()
    const first = gramjsGuest(on.server)
    on.keep({ end: () => first.destroy() })
    await first.start({
      phoneNumber: phone,
      phoneCode: async () => testCode,
      firstAndLastNames: async () => ['Grace', 'Hopper'],
      onError: (error) => Promise.reject(error),
    })
    const me = await first.getMe()
    expect(me).toMatchObject({ firstName: 'Grace', lastName: 'Hopper', phone })

    const again = await on.gramjs({ phone })
    expect(again.self).toBe(Number(me.id))
  })

  test('mtcute is told that a sign-up is needed, which it leaves to its user', async () => {
    const phoneNumber = on.newPhone()
    const guest = await on.guest()
    const { phoneCodeHash } = await guest.sendCode({ phone: phoneNumber }).then(codeOf)
    const answer = await guest.call({ _: 'auth.signIn', phoneNumber, phoneCodeHash, phoneCode: testCode })
    expect(answer).toMatchObject({ _: 'auth.authorizationSignUpRequired' })
    const signUp = { _: 'auth.signUp', phoneNumber, phoneCodeHash, firstName: 'Ada', lastName: '' } as const
    await expect(guest.call({ ...signUp, firstName: ' ' })).rejects.toThrow('FIRSTNAME_INVALID')
    expect(await guest.call(signUp)).toMatchObject({ user: { firstName: 'Ada', self: true } })
    expect(await guest.call({ _: 'updates.getState' })).toMatchObject({ pts: 0 })
  })
})

describe('a server that makes accounts by itself', () => {
  const on = stage()

  test('a wrong code, an old hash and no number are refused in the words of Telegram', async () => {
    const phoneNumber = on.newPhone()
    const guest = await on.guest()
    const { phoneCodeHash } = await guest.sendCode({ phone: phoneNumber }).then(codeOf)
    const signIn = { _: 'auth.signIn', phoneNumber, phoneCodeHash } as const
    await expect(guest.call({ ...signIn, phoneCode: '11111' })).rejects.toThrow('PHONE_CODE_INVALID')
    await expect(guest.call({ ...signIn, phoneCode: '' })).rejects.toThrow('PHONE_CODE_EMPTY')
    await expect(guest.call({ ...signIn, phoneCodeHash: 'x', phoneCode: testCode })).rejects.toThrow(
      'PHONE_CODE_EXPIRED',
    )
    const settings = { _: 'codeSettings' } as const
    const noNumber = { _: 'auth.sendCode', phoneNumber: 'no number', apiId: 1, apiHash: 'x', settings } as const
    await expect(guest.call(noNumber)).rejects.toThrow('PHONE_NUMBER_INVALID')
    await expect(guest.call({ _: 'updates.getState' })).rejects.toThrow('AUTH_KEY_UNREGISTERED')
    await guest.call({ ...signIn, phoneCode: testCode })
    expect(await guest.call({ _: 'updates.getState' })).toMatchObject({ _: 'updates.state' })
    await expect(guest.call({ ...signIn, phoneCode: testCode })).rejects.toThrow('PHONE_CODE_EXPIRED')
  })

  test('any other number: the code is on the console, and for the second device a message from 777000', async () => {
    const phone = '15550100123'
    const first = await on.guest()
    await first.start({ phone: `+${phone}`, code: () => codeOnConsole(phone), codeSentCallback: () => {} })
    const heard: string[] = []
    first.onNewMessage.add((message) => heard.push(`${message.sender.id}: ${message.text}`))
    await waitUntil('it hears updates', () => hearsUpdates(first))

    const second = await on.guest()
    await second.start({ phone: `+${phone}`, code: () => codeIn(heard), codeSentCallback: () => {} })
    expect((await second.getMe()).id).toBe((await first.getMe()).id)
    expect(heard).toHaveLength(1)
    expect(heard[0]).toMatch(/^777000: .*\d{5}/)
  })

  function codeOnConsole(phone: string): Promise<string> {
    return waitUntil(
      'the code is on the console',
      () => new RegExp(`${phone}\\D+(\\d{5})\\b`).exec(on.server.log())?.[1],
    )
  }

  function codeIn(messages: readonly string[]): Promise<string> {
    return waitUntil('the code is told', () => /: .*?(\d{5})/.exec(messages[0] ?? '')?.[1])
  }

  test('who has logged out is a stranger, and may log in again as the same account', async () => {
    const device = await on.mtcute()
    await device.client.logOut()
    await expect(device.client.call({ _: 'updates.getState' })).rejects.toThrow('AUTH_KEY_UNREGISTERED')
    const back = await on.mtcute({ phone: device.phone })
    expect(back.self).toBe(device.self)
  })
})

describe('a server that sends codes by a paid service', () => {
  const sent: { phone: string; code: string }[] = []
  const provider = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    sent.push(JSON.parse(body))
    response.end()
  })
  beforeAll(() => new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve)))
  afterAll(() => void provider.close())
  const on = stage(() => ({
    env: {
      HELIOGRAPH_LOGIN_CODE_DRIVER: 'webhook',
      HELIOGRAPH_LOGIN_CODE_WEBHOOK_URL: `http://127.0.0.1:${(provider.address() as AddressInfo).port}/`,
    },
  }))

  test('who has a device gets the code there, and by the service only when asking again', async () => {
    const phone = '15550100456'
    const first = await on.guest()
    await first.start({ phone: `+${phone}`, code: () => sent.at(-1)!.code, codeSentCallback: () => {} })
    expect(sent).toHaveLength(1)
    const heard: string[] = []
    first.onNewMessage.add((message) => heard.push(message.text))
    await waitUntil('it hears updates', () => hearsUpdates(first))

    const second = await on.guest()
    const { phoneCodeHash, type, nextType } = (await second.sendCode({ phone })) as SentCode
    expect([type, nextType]).toEqual(['app', 'sms'])
    await waitUntil('the code is told', () => heard.length > 0)
    expect(sent).toHaveLength(1)
    const again = (await second.resendCode({ phone, phoneCodeHash })) as SentCode
    expect([again.type, sent.length]).toEqual(['sms', 2])
    expect(heard.join()).toContain(sent[1]!.code)
    await second.signIn({ phone, phoneCodeHash: again.phoneCodeHash, phoneCode: sent[1]!.code })
    expect((await second.getMe()).id).toBe((await first.getMe()).id)
  })
})

function codeOf(sent: unknown): { phoneCodeHash: string } {
  return sent as { phoneCodeHash: string }
}
