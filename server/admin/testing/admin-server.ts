import type { TemplatedApp } from 'uWebSockets.js'
import uWS from 'uWebSockets.js'
import { ClusterAdmin, type ClusterSource, type NodeSource } from '../../../cluster/index.js'
import { systemClock } from '../../../runtime/index.js'
import { dashboard } from '../admin.js'
import { type AdminRoutesOptions, adminRoutes } from '../admin-routes.js'
import { AdminSession } from '../admin-session.js'
import { dashboardFiles } from '../dashboard-files.js'
import { LiveFeed } from '../live-feed.js'

export const testToken = 'a secret for tests, long enough'

export interface AdminServer {
  readonly url: string
  readonly failures: unknown[]
  close(): void
}

/** The operators' side alone, on a free port of loopback, over any cluster. */
export async function serveAdmin(
  cluster: ClusterSource,
  local: NodeSource,
  options: { readonly trace?: AdminRoutesOptions['trace'] } = {},
): Promise<AdminServer> {
  const { trace = async (traceId: string) => ({ of: 'request', traceId, hops: [] }) as const } = options
  const app: TemplatedApp = uWS.App()
  const admin = new ClusterAdmin(cluster, local, () => systemClock.now())
  const session = new AdminSession(testToken, systemClock)
  const feed = new LiveFeed(admin, systemClock)
  const failures: unknown[] = []
  feed.serve(app, '/admin/api/live', session)
  adminRoutes(app, {
    admin,
    session,
    isTls: false,
    files: dashboardFiles(dashboard),
    trace,
    failed: (error) => failures.push(error),
  })
  const socket = await new Promise<uWS.us_listen_socket>((resolve, reject) => {
    app.listen('127.0.0.1', 0, (listening) => (listening ? resolve(listening) : reject(new Error('no port'))))
  })
  return {
    url: `http://127.0.0.1:${uWS.us_socket_local_port(socket)}`,
    failures,
    close() {
      feed.stop()
      app.close()
    },
  }
}
