import { connect, createServer, type Server, type Socket } from 'node:net'

/** Passes bytes on to a server, each answer so much later. */
export class SlowProxy {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()

  private constructor(port: number, delayMs: number) {
    this.#server = createServer((near) => {
      const far = connect(port, '127.0.0.1')
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => undefined)
        socket.on('close', () => {
          near.destroy()
          far.destroy()
          this.#sockets.delete(socket)
        })
      }
      near.on('data', (bytes) => far.write(bytes))
      far.on('data', (bytes) => setTimeout(() => near.write(bytes), delayMs))
    })
  }

  static async start(port: number, delayMs: number): Promise<SlowProxy> {
    const proxy = new SlowProxy(port, delayMs)
    await new Promise<void>((resolve) => proxy.#server.listen(0, '127.0.0.1', resolve))
    return proxy
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}
