/**
 * Log lines on their way to a file descriptor.
 *
 * O1. `write` neither throws nor waits: lines gather while those before them are written. What gathers is bounded in
 *     bytes; beyond it the newest lines are dropped.
 * O2. Lines leave in order, each once. Those that cannot be written are dropped (whoever read them has gone, or the disk is
 *     full), and the next ones are tried again: there is nobody to tell, and no reason to end.
 * O3. `flushSync` ends: it waits for a reader that is slow, for so long at most, and for nothing else. Libraries repeat a
 *     write to a full disk for ever, and with it the end of the process.
 */
import { write, writeSync } from 'node:fs'
import type { DestinationStream } from 'pino'

const MAX_WAITING_UNITS = 8 * 1024 * 1024
const READER_PAUSE_MS = 20
const READER_MAY_TAKE_MS = 1_000

/** The part of `node:fs` that is needed. */
export interface DescriptorWrites {
  write(fd: number, bytes: Buffer, done: (error: NodeJS.ErrnoException | null, written: number) => void): void
  writeSync(fd: number, bytes: Buffer): number
}

export class LogOutput implements DestinationStream {
  readonly #fd: number
  readonly #fs: DescriptorWrites
  #waiting = ''
  #isWriting = false

  constructor(fd: number, fs: DescriptorWrites = { write, writeSync }) {
    this.#fd = fd
    this.#fs = fs
  }

  write(line: string): void {
    if (this.#waiting.length + line.length > MAX_WAITING_UNITS) return
    this.#waiting += line
    if (!this.#isWriting) this.#writeNext()
  }

  /** Writes what gathers; what was handed to the system before is on its way. */
  flushSync(): void {
    let bytes = Buffer.from(this.#waiting)
    this.#waiting = ''
    for (let pausedMs = 0; bytes.length > 0 && pausedMs < READER_MAY_TAKE_MS; ) {
      try {
        bytes = bytes.subarray(this.#fs.writeSync(this.#fd, bytes))
      } catch (error) {
        if (!isReaderSlow(error)) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, READER_PAUSE_MS)
        pausedMs += READER_PAUSE_MS
      }
    }
  }

  #writeNext(): void {
    if (this.#waiting === '') return
    const bytes = Buffer.from(this.#waiting)
    this.#waiting = ''
    this.#isWriting = true
    this.#writeOn(bytes)
  }

  #writeOn(bytes: Buffer): void {
    this.#fs.write(this.#fd, bytes, (error, written) => {
      if (error && isReaderSlow(error)) {
        setTimeout(() => this.#writeOn(bytes), READER_PAUSE_MS)
      } else if (!error && written < bytes.length) {
        this.#writeOn(bytes.subarray(written))
      } else {
        this.#isWriting = false
        this.#writeNext()
      }
    })
  }
}

/** A pipe that is not read from, and does not make who writes wait. */
function isReaderSlow(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException
  return code === 'EAGAIN' || code === 'EBUSY'
}
