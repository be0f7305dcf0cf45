import type { MemoryStorage, TelegramClient } from '@mtcute/node'
import { afterAll, beforeAll, expect } from 'vitest'
import {
  type ClientTarget,
  type ClientTransport,
  mtcuteGuest,
  type ServerOptions,
  type ServerProcess,
  startServer,
  testPhone,
  waitUntil,
} from '../harness/index.js'
import type { Device, Event } from './device.js'
import { type GramjsDevice, gramjsDevice } from './gramjs-device.js'
import { type MtcuteDevice, mtcuteDevice } from './mtcute-device.js'

export interface DeviceOptions {
  /** The same number is the same account, another device; a new one unless told. */
  readonly phone?: string
  readonly transport?: ClientTransport
  /** Through a cable, say; the server itself unless told. */
  readonly target?: ClientTarget
}

export interface Stage {
  readonly server: ServerProcess
  /** A test number that nobody on this stage has used. */
  newPhone(): string
  mtcute(options?: DeviceOptions & { readonly storage?: MemoryStorage }): Promise<MtcuteDevice>
  gramjs(options?: DeviceOptions): Promise<GramjsDevice>
  /** An mtcute client that nobody has logged in. */
  guest(): Promise<TelegramClient>
  /** As the pair says: `mtcute tcp`, `gramjs ws`. */
  device(kind: DeviceKind, options?: DeviceOptions): Promise<Device>
  /** Ends it with the others. */
  keep<T extends Pick<Device, 'end'>>(device: T): T
}

export type DeviceKind = `${'mtcute' | 'gramjs'} ${ClientTransport}`

/** Every mixed and unmixed pair of libraries, and both transports on either side. */
export const pairs: readonly (readonly [DeviceKind, DeviceKind])[] = [
  ['mtcute tcp', 'gramjs ws'],
  ['gramjs tcp', 'mtcute ws'],
  ['mtcute ws', 'mtcute tcp'],
  ['gramjs ws', 'gramjs tcp'],
]

/**
 * One server for a file's tests, and the clients that they log in; all ended after the last test, which holds that no
 * call was answered with an internal error and that the server still runs.
 */
export function stage(options: ServerOptions | (() => ServerOptions) = {}): Stage {
  let server: ServerProcess | undefined
  let phones = 0
  const devices = new Set<Pick<Device, 'end'>>()
  const keep = <T extends Pick<Device, 'end'>>(device: T): T => {
    devices.add(device)
    return device
  }
  const running = () => {
    if (!server) throw new Error('The server is there in tests and in hooks after the first')
    return server
  }
  const of = ({ phone, transport, target }: DeviceOptions) => ({
    target: target ?? running(),
    options: { phone: phone ?? newPhone(), ...(transport && { transport }) },
  })
  const newPhone = () => testPhone(++phones)

  beforeAll(async () => {
    server = await startServer(typeof options === 'function' ? options() : options)
  })
  afterAll(async () => {
    await Promise.allSettled([...devices].map((device) => device.end()))
    const complaints = server?.log().split('\n').filter(isComplaint) ?? []
    const stillRuns = server?.isRunning()
    await server?.dispose()
    expect(complaints).toEqual([])
    expect(stillRuns).toBe(true)
  })

  const mtcute: Stage['mtcute'] = async (given = {}) => {
    const { target, options } = of(given)
    return keep(await mtcuteDevice(target, { ...options, ...(given.storage && { storage: given.storage }) }))
  }
  const gramjs: Stage['gramjs'] = async (given = {}) => {
    const { target, options } = of(given)
    return keep(await gramjsDevice(target, options))
  }
  return {
    get server() {
      return running()
    },
    newPhone,
    mtcute,
    gramjs,
    async guest() {
      const client = await mtcuteGuest(running())
      keep({ end: () => client.destroy() })
      return client
    },
    device(kind, given = {}) {
      const transport = kind.endsWith('ws') ? 'ws' : 'tcp'
      return kind.startsWith('mtcute') ? mtcute({ ...given, transport }) : gramjs({ ...given, transport })
    },
    keep,
  }
}

/** Lines of level error and above, and whatever is no log line at all, such as a stack. */
function isComplaint(line: string): boolean {
  if (line.startsWith('{')) return /^(error|fatal)$/.test((JSON.parse(line) as { level: string }).level)
  return /^\s+at |Error:/.test(line)
}

/** Waits for the device to be told of something; what it was told before `since` (an index of its events) does not count. */
export function told<T extends Event['type']>(
  device: Device,
  type: T,
  is: (event: Extract<Event, { type: T }>) => boolean = () => true,
  since = 0,
  withinMs = 10_000,
): Promise<Extract<Event, { type: T }>> {
  const isIt = (event: Event): event is Extract<Event, { type: T }> =>
    event.type === type && is(event as Extract<Event, { type: T }>)
  const find = () => device.events.slice(since).find(isIt)
  return waitUntil(`${device.library} is told of: ${type}`, find, withinMs) as Promise<Extract<Event, { type: T }>>
}

/** The events of a type so far. */
export function eventsOf<T extends Event['type']>(device: Device, type: T): Extract<Event, { type: T }>[] {
  return device.events.filter((event): event is Extract<Event, { type: T }> => event.type === type)
}
