import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A link to a server on which everything takes longer, in both directions. */
export interface SlowLink {
  readonly address: string
  delayMs: number
  dispose(): Promise<void>
}

export async function slowLink(to: { readonly host: string; readonly port: number }): Promise<SlowLink> {
  const sockets = new Set<Socket>()
  const listener = createServer((client) => {
    const server = connect(to.port, to.host)
    for (const [from, onward] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(from)
      let sent: Promise<void> = Promise.resolve()
      from.on('data', (chunk: Buffer) => {
        const due = pause(link.delayMs)
        sent = sent.then(() => due).then(() => void onward.write(chunk))
      })
      from.on('error', () => undefined)
      from.on('close', () => {
        sockets.delete(from)
        onward.destroy()
      })
    }
  })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const link = {
    address: `127.0.0.1:${(listener.address() as AddressInfo).port}`,
    delayMs: 0,
    async dispose() {
      for (const socket of sockets) socket.destroy()
      await new Promise((done) => listener.close(done))
    },
  }
  return link
}
