import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A file system that a test may fill. */
export interface SmallDisk {
  /** Where it is mounted. */
  readonly dir: string
  freeBytes(): number
  /** To the last byte; again and again, for a server takes room that it had already given up. */
  fill(): void
  /** Gives back what `fill` took. */
  empty(): void
  /** Nobody may use it any more. */
  dispose(): void
}

/** In memory, `sizeMb` large. @throws Error where this process may not mount, with what it takes */
export function smallDisk(sizeMb: number): SmallDisk {
  const dir = mkdtempSync(join(tmpdir(), 'heliograph-small-'))
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMb}m,mode=0755`, 'tmpfs', dir], { stdio: 'pipe' })
  } catch (cause) {
    rmSync(dir, { recursive: true })
    throw new Error('A disk that can be filled takes the right to mount: run this test as root', { cause })
  }
  const filler = join(dir, 'filler')
  writeFileSync(filler, '')
  return {
    dir,
    freeBytes() {
      const { bavail, bsize } = statfsSync(dir)
      return bavail * bsize
    },
    fill() {
      for (let block = 1_048_576; block >= 1; block = Math.floor(block / 8)) {
        while (appended(filler, block));
      }
    },
    empty() {
      truncateSync(filler)
    },
    dispose() {
      execFileSync('umount', ['--lazy', dir])
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

function appended(path: string, bytes: number): boolean {
  try {
    writeFileSync(path, Buffer.alloc(bytes), { flag: 'a' })
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return false
    throw error
  }
}
