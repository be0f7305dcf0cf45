import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { projectRoot } from '../../test/harness/project-root.js'

/** A process as `npm run cluster` starts it. */
export interface Started {
  readonly name: string
  readonly role: Role
  readonly pid: number
  readonly dataDir: string
  readonly child: { readonly exitCode: number | null; readonly signalCode: NodeJS.Signals | null }
}

export type Role = 'gateway' | 'actors'

/** `scripts/cluster/`: what `npm run cluster` is made of. It is not built, so it is found from the project's folder. */
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
  keysOf(dir: string): Promise<{ readonly keys: string; readonly tokenFile: string }>
  settingsOf(
    secrets: { readonly keys: string; readonly tokenFile: string },
    stores: { readonly env: Readonly<Record<string, string>> },
  ): Promise<Readonly<Record<string, string>>>
  /** Builds this program as another minor version; takes seconds, in which nothing else runs in this process. */
  otherMinor(
    folder: string,
    options: { readonly by: number; readonly ref?: string },
  ): { readonly folder: string; readonly version: string; readonly from: string }
}

export async function clusterScripts(): Promise<ClusterScripts> {
  const folder = join(projectRoot(), 'scripts')
  // A later one wins where two have a name: a node is stopped as the cluster's script does.
  const files = ['services/daemon', 'cluster/processes', 'cluster/settings', 'previous']
  const parts = await Promise.all(files.map((file) => import(pathToFileURL(join(folder, `${file}.mjs`)).href)))
  return Object.assign({}, ...parts) as ClusterScripts
}
