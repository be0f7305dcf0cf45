import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'

/** What another process can be asked to do. Arguments and answers cross by structured clone. */
export type Duties = Readonly<Record<string, (argument: never) => unknown>>

interface Question {
  readonly id: number
  readonly duty: string
  readonly argument: unknown
}

interface Answer {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

/** A process of its own, so that what it costs is not counted as ours. */
export class Worker<D extends Duties> {
  readonly #process: ChildProcess
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  #lastId = 0

  /** A new process with a module of ours that serves. */
  static start<D extends Duties>(entry: URL): Worker<D> {
    return new Worker<D>(fork(entry, { serialization: 'advanced' }))
  }

  /** A process that serves over a channel with advanced serialization. */
  constructor(process: ChildProcess) {
    this.#process = process
    process.on('message', (answer: Answer) => this.#answered(answer))
    process.on('exit', (code, signal) => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the process ended (${code ?? signal})`))
      this.#waiting.clear()
    })
  }

  get pid(): number {
    return this.#process.pid!
  }

  ask<Name extends keyof D & string>(
    duty: Name,
    ...[argument]: Parameters<D[Name]>
  ): Promise<Awaited<ReturnType<D[Name]>>> {
    const id = ++this.#lastId
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as (value: unknown) => void, reject })
      this.#process.send({ id, duty, argument } satisfies Question)
    })
  }

  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const exited = once(this.#process, 'exit')
    this.#process.kill(signal)
    await exited
  }

  #answered({ id, value, error }: Answer): void {
    const waiting = this.#waiting.get(id)
    this.#waiting.delete(id)
    if (error === undefined) waiting?.resolve(value)
    else waiting?.reject(new Error(error))
  }
}

/** The other process's side: answers questions, several at a time, and ends with the one who asks. */
export function serve(duties: Duties): void {
  process.on('message', ({ id, duty, argument }: Question) => {
    Promise.resolve()
      .then(() => duties[duty]!(argument as never))
      .then(
        (value) => process.send!({ id, value } satisfies Answer),
        (error: unknown) => process.send!({ id, error: (error as Error).stack ?? String(error) } satisfies Answer),
      )
  })
  process.on('disconnect', () => process.exit(0))
}
