import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export type Role = 'gateway' | 'actors' | 'gateway,actors'

/** A process as `npm run cluster` starts it. */
export interface Started {
  readonly name: string
  readonly pid: number
}

export interface ClusterStores {
  /** The settings that send a node to its stores. */
  readonly env: Readonly<Record<string, string>>
  /** Drops keyspace and database. Nothing may use them any more. */
  drop(): Promise<void>
  /** Ends the servers that `openStores` started. */
  close(): Promise<void>
}

interface Secrets {
  readonly keys: string
  readonly tokenFile: string
}

/** `scripts/cluster/`: what `npm run cluster` is made of. It is not built, so it is found from the project's folder. */
export interface ClusterScripts {
  start(options: {
    readonly dir: string
    readonly name: string
    readonly role: Role
    readonly env: Readonly<Record<string, string>>
  }): Started
  /** @throws Error with the end of its log */
  untilReady(started: Started): Promise<{ readonly http: string; readonly mtproto?: string }>
  /** SIGTERM, and SIGKILL when that takes too long. False: it had to be killed, or had ended by itself. */
  stop(started: Started): Promise<boolean>
  keysOf(dir: string): Promise<Secrets>
  settingsOf(secrets: Secrets, stores: Pick<ClusterStores, 'env'>): Promise<Readonly<Record<string, string>>>
  openStores(options: {
    readonly name: string
    readonly isFresh: boolean
    readonly say: (line: string) => void
  }): Promise<ClusterStores>
}

export async function clusterScripts(): Promise<ClusterScripts> {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  const parts = await Promise.all(
    ['processes', 'settings', 'stores'].map(
      (name) => import(pathToFileURL(join(folder, `scripts/cluster/${name}.mjs`)).href),
    ),
  )
  return Object.assign({}, ...parts) as ClusterScripts
}
