import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isEveryAddress } from './setting.js'

/** Where one listener can be dialled from this machine. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What `listening.json` in the data directory says. */
export interface Endpoints {
  /** Missing on a node that takes no clients. */
  readonly mtproto?: Endpoint
  readonly http: Endpoint
}

/**
 * `listening.json`: there while, and only while, everything listens, for programs on the same machine. A killed server
 * leaves it behind; the next start removes it before it listens anywhere, so that it never tells of ports of the past.
 */
export function listeningFile(dataDir: string) {
  const path = join(dataDir, 'listening.json')
  return {
    /** Replaces the file in one step. */
    write({ mtproto, http }: Endpoints): void {
      const content = JSON.stringify({ ...(mtproto && { mtproto: dialable(mtproto) }), http: dialable(http) })
      // A node that keeps nothing there has not made it.
      mkdirSync(dataDir, { recursive: true, mode: 0o700 })
      writeFileSync(`${path}.new`, `${content}\n`)
      renameSync(`${path}.new`, path)
    },
    remove(): void {
      rmSync(path, { force: true })
    },
  }
}

/** "Every address" cannot be dialled; the loopback one is among them. */
function dialable({ host, port }: Endpoint): Endpoint {
  if (!isEveryAddress(host)) return { host, port }
  return { host: host === '::' ? '::1' : '127.0.0.1', port }
}
