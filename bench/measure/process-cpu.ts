import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of a process since its start, in seconds. */
export interface CpuTime {
  readonly userSeconds: number
  readonly systemSeconds: number
  /** Of the main thread alone: the event loop. The rest is LMDB's writer, the garbage collector and DH workers. */
  readonly mainSeconds: number
  /** For how long the event loop could have run and had no core: what else the machine did, or the server's own threads. */
  readonly waitedSeconds: number
}

let ticksPerSecond = 0

function tickRate(): number {
  if (ticksPerSecond === 0) ticksPerSecond = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }))
  return ticksPerSecond
}

function timesIn(path: string): [user: number, system: number] {
  const text = readFileSync(path, 'utf8')
  // The name, in brackets, may hold anything: fields are counted from behind it.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return [Number(fields[11]) / tickRate(), Number(fields[12]) / tickRate()]
}

/** The second number of schedstat: nanoseconds on a run queue. Kernels without it tell nothing. */
function waitedIn(task: string): number {
  try {
    return Number(readFileSync(`${task}/schedstat`, 'utf8').split(' ')[1]) / 1e9
  } catch {
    return 0
  }
}

/** Reads /proc (Linux only). */
export function cpuTimeOf(pid: number): CpuTime {
  const [userSeconds, systemSeconds] = timesIn(`/proc/${pid}/stat`)
  const [user, system] = timesIn(`/proc/${pid}/task/${pid}/stat`)
  return { userSeconds, systemSeconds, mainSeconds: user + system, waitedSeconds: waitedIn(`/proc/${pid}/task/${pid}`) }
}

export function cpuBetween(before: CpuTime, after: CpuTime): CpuTime & { readonly seconds: number } {
  const userSeconds = after.userSeconds - before.userSeconds
  const systemSeconds = after.systemSeconds - before.systemSeconds
  return {
    userSeconds,
    systemSeconds,
    seconds: userSeconds + systemSeconds,
    mainSeconds: after.mainSeconds - before.mainSeconds,
    waitedSeconds: after.waitedSeconds - before.waitedSeconds,
  }
}

/** The names of a process's threads, for a report on where its time goes. */
export function threadTimesOf(pid: number): Map<string, number> {
  const times = new Map<string, number>()
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const name = task === String(pid) ? 'event loop' : readFileSync(`/proc/${pid}/task/${task}/comm`, 'utf8').trim()
    const [user, system] = timesIn(`/proc/${pid}/task/${task}/stat`)
    times.set(name, (times.get(name) ?? 0) + user + system)
  }
  return times
}
