import { serveEcho } from '../measure/stream-echo.js'
import { OWNER, twoNodes } from './two-nodes.js'
import { serve } from './worker-port.js'

const duties = {
  /** The node that owns every actor, and the floor beside it. */
  async start() {
    const { transport } = twoNodes(OWNER)
    return { nodePort: await transport.listen('127.0.0.1', 0), echoPort: await serveEcho() }
  },

  cpuUs() {
    const { user, system } = process.cpuUsage()
    return user + system
  },
}

export type RemoteNodeDuties = typeof duties

serve(duties)
