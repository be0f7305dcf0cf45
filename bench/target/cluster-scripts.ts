import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

export type Role = 'gateway' | 'actors' | 'gateway,actors'

/** A process as `npm run cluster` starts it. */
export interface Started {
  readonly name: string
  readonly pid: number
  readonly child: { readonly exitCode: number | null; readonly signalCode: NodeJS.Signals | null }
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

/** `scripts/`: what `npm run cluster` is made of. It is not built, so it is found from the project's folder. */
export interface ClusterScripts {
  start(options: {
    readonly dir: string
    readonly name: string
    readonly role: Role
    readonly env: Readonly<Record<string, string>>
    /** What the process is started by, such as `ip netns exec name`. */
    readonly through?: readonly string[]
    /** The folder of another build. */
    readonly program?: string
  }): Started
  /** @throws Error with the end of its log */
  untilReady(started: Started): Promise<{ readonly http: string; readonly mtproto?: string }>
  /** SIGTERM, and SIGKILL when that takes too long. False: it had to be killed, or had ended by itself. */
  stop(started: Started): Promise<boolean>
  isAlive(started: Started): boolean
  keysOf(dir: string): Promise<Secrets>
  settingsOf(secrets: Secrets, stores: Pick<ClusterStores, 'env'>): Promise<Readonly<Record<string, string>>>
  openStores(options: {
    readonly name: string
    readonly isFresh: boolean
    readonly say: (line: string) => void
  }): Promise<ClusterStores>
  /** Builds this program as another minor version; takes seconds, in which nothing else runs in this process. */
  otherMinor(
    folder: string,
    options: { readonly by: number; readonly ref?: string },
  ): { readonly folder: string; readonly version: string; readonly from: string }
}

/** A later one wins where two have a name: a node is stopped as the cluster's script does. */
const files = ['services/daemon', 'cluster/processes', 'cluster/settings', 'cluster/stores', 'previous']

export async function clusterScripts(): Promise<ClusterScripts> {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  const parts = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, `scripts/${file}.mjs`)).href)))
  return Object.assign({}, ...parts) as ClusterScripts
}
