import { describe, expect, it } from 'vitest'
import { implement, refusalReason } from '../../runtime/index.js'
import { Phone } from '../phone/contract.js'
import { World } from '../testing/world.js'
import { loginCodeActor } from './actor.js'
import { LoginCode } from './contract.js'
import { testCodeOf } from './test-number.js'

const NUMBER = '491701234567'
const TEST_NUMBER = '9996621234'

const unownedPhone = implement<{ contract: Phone; id: string; state: undefined; entry: never; memory: undefined }>({
  type: Phone,
  state: { version: 1, initial: () => undefined, apply: () => undefined },
  methods: {
    owner: () => undefined,
    reserve: (_turn, user) => ({ user, owned: false }),
    confirm: () => undefined,
    release: () => undefined,
  },
})

/** Somebody who logs in; `sent` is what reached the phone. */
class Login {
  readonly sent: { phone: string; code: string }[] = []
  readonly world: World
  isBroken = false

  constructor(testNumbers: boolean) {
    const deliver = async (request: { phone: string; code: string }) => {
      if (this.isBroken) throw new Error('no network')
      this.sent.push(request)
      return 'sms' as const
    }
    this.world = new World(({ random }) => [
      unownedPhone,
      loginCodeActor({
        delivery: { deliver },
        random,
        testNumbers,
      }),
    ])
  }

  static async start(testNumbers = false): Promise<Login> {
    const login = new Login(testNumbers)
    await login.world.start()
    return login
  }

  codes(phone = NUMBER) {
    return this.world.node.ref(LoginCode, phone)
  }

  until<T>(promise: Promise<T>): Promise<T> {
    return this.world.until(promise)
  }

  async send(authKey = 'k', phone = NUMBER): Promise<{ hash: string; code: string }> {
    const { hash } = await this.until(this.codes(phone).send({ authKey }))
    return { hash, code: this.sent.at(-1)?.code ?? '' }
  }

  async refused(promise: Promise<unknown>): Promise<string | undefined> {
    return this.until(
      promise.then(
        () => undefined,
        (error) => refusalReason(error) ?? String(error),
      ),
    )
  }
}

const wrong = (code: string) => (code === '00000' ? '00001' : '00000')

describe('login codes', () => {
  it('have five digits, are good for the device that asked, and for one login', async () => {
    const login = await Login.start()
    const { hash, code } = await login.send()
    expect(code).toMatch(/^[0-9]{5}$/)
    expect(await login.refused(login.codes().check({ hash, code, authKey: 'other' }))).toBe('PHONE_CODE_EXPIRED')
    expect(await login.refused(login.codes().wasChecked({ hash, authKey: 'k' }))).toBe('PHONE_CODE_EXPIRED')
    await login.until(login.codes().check({ hash, code, authKey: 'k' }))
    await login.until(login.codes().wasChecked({ hash, authKey: 'k' }))
    await login.until(login.codes().consume({ hash }))
    expect(await login.refused(login.codes().check({ hash, code, authKey: 'k' }))).toBe('PHONE_CODE_EXPIRED')
  })

  it('end after five wrong tries, also when the node crashes in between', async () => {
    const login = await Login.start()
    const { hash, code } = await login.send()
    for (let i = 0; i < 5; i++) {
      const tried = login.codes().check({ hash, code: wrong(code), authKey: 'k' })
      expect(await login.refused(tried)).toBe('PHONE_CODE_INVALID')
      login.world.crash()
      await login.world.start()
    }
    expect(await login.refused(login.codes().check({ hash, code, authKey: 'k' }))).toBe('PHONE_CODE_EXPIRED')
  })

  it('end after five minutes, when they are cancelled, and when another is made', async () => {
    const login = await Login.start()
    const check = ({ hash, code }: { hash: string; code: string }) => login.codes().check({ hash, code, authKey: 'k' })
    const first = await login.send()
    const second = await login.send()
    expect(await login.refused(check(first))).toBe('PHONE_CODE_EXPIRED')
    await login.until(login.codes().cancel({ hash: second.hash }))
    expect(await login.refused(check(second))).toBe('PHONE_CODE_EXPIRED')
    const third = await login.send()
    await login.world.clock.advance(300_001)
    expect(await login.refused(check(third))).toBe('PHONE_CODE_EXPIRED')
  })

  it('of one device are not ended by what others ask for, try or cancel (L1)', async () => {
    const login = await Login.start()
    const own = await login.send('own')
    const strange = await login.send('stranger')
    for (let i = 0; i < 5; i++) {
      const tried = login.codes().check({ ...strange, code: wrong(strange.code), authKey: 'stranger' })
      expect(await login.refused(tried)).toBe('PHONE_CODE_INVALID')
    }
    const cancelled = await login.send('third')
    await login.until(login.codes().cancel({ hash: cancelled.hash }))
    login.world.crash()
    await login.world.start()
    expect(await login.refused(login.codes().check({ ...strange, authKey: 'stranger' }))).toBe('PHONE_CODE_EXPIRED')
    expect(await login.refused(login.codes().check({ ...cancelled, authKey: 'third' }))).toBe('PHONE_CODE_EXPIRED')
    await login.until(login.codes().check({ ...own, authKey: 'own' }))
    await login.until(login.codes().consume({ hash: own.hash }))
  })

  it('are sent again as they are, at most ten times an hour', async () => {
    const login = await Login.start()
    const { hash, code } = await login.send()
    await login.until(login.codes().send({ authKey: 'k', resend: hash }))
    expect(login.sent.map((one) => one.code)).toEqual([code, code])
    for (let i = 0; i < 8; i++) await login.send()
    expect(await login.refused(login.codes().send({ authKey: 'k' }))).toBe('PHONE_NUMBER_FLOOD')
    await login.world.clock.advance(3_600_001)
    await login.send()
  })

  it('that cannot be delivered are an error, not a silence', async () => {
    const login = await Login.start()
    login.isBroken = true
    expect(await login.refused(login.codes().send({ authKey: 'k' }))).toBe('SMS_CODE_CREATE_FAILED')
  })

  it('of test numbers are known and not sent, where test numbers are on', async () => {
    expect(testCodeOf(TEST_NUMBER)).toBe('22222')
    expect(testCodeOf(NUMBER)).toBeUndefined()
    const on = await Login.start(true)
    const { hash } = await on.send('k', TEST_NUMBER)
    expect(on.sent).toEqual([])
    await on.until(on.codes(TEST_NUMBER).check({ hash, code: '22222', authKey: 'k' }))
    const off = await Login.start(false)
    const sent = await off.send('k', TEST_NUMBER)
    expect(sent.code).not.toBe('')
  })
})
