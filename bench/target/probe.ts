// Loaded into the server's process beside it (`node --import`), to see from inside what /proc does not tell.

import { Session } from 'node:inspector'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { collectGarbage } from '../measure/garbage.js'
import { serve } from './worker-port.js'

export interface MemoryReading {
  readonly rssBytes: number
  readonly heapBytes: number
  /** Memory outside of the heap that objects of the heap hold. */
  readonly externalBytes: number
}

const delay = monitorEventLoopDelay({ resolution: 10 })
let inspector: Session | undefined

function post(method: string, parameters: object = {}): Promise<unknown> {
  inspector ??= new Session()
  const session = inspector
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error: Error | null, result?: object) =>
      error ? reject(error) : resolve(result),
    )
  })
}

const duties = {
  /** What is reachable, after collections. */
  async memory(): Promise<MemoryReading> {
    for (let i = 0; i < 4; i++) {
      collectGarbage()
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    const { rss, heapUsed, external } = process.memoryUsage()
    return { rssBytes: rss, heapBytes: heapUsed, externalBytes: external }
  },
  watchDelay() {
    delay.reset()
    delay.enable()
  },
  delay: () => ({ p50Ms: delay.percentile(50) / 1e6, p99Ms: delay.percentile(99) / 1e6, maxMs: delay.max / 1e6 }),
  async startProfile() {
    inspector ??= new Session()
    inspector.connect()
    await post('Profiler.enable')
    await post('Profiler.setSamplingInterval', { interval: 250 })
    await post('Profiler.start')
  },
  async stopProfile(): Promise<string> {
    const { profile } = (await post('Profiler.stop')) as { profile: unknown }
    return JSON.stringify(profile)
  },
}

export type ProbeDuties = typeof duties

serve(duties)
process.channel?.unref()
