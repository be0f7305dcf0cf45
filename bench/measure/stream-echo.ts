import { Client, credentials, Server, ServerCredentials, type ServerDuplexStream } from '@grpc/grpc-js'
import { Packr } from 'msgpackr'

const PATH = '/bench.Echo/Stream'
const same = (bytes: Buffer) => bytes
const packr = new Packr({ useRecords: false })

type Message = readonly [id: number, payload: Uint8Array]

/** What can be put in until the end of the tick leaves as one message of the stream. */
class Batches {
  readonly #write: (batch: Buffer) => void
  #messages: Message[] = []

  constructor(write: (batch: Buffer) => void) {
    this.#write = write
  }

  put(message: Message): void {
    if (this.#messages.push(message) === 1) setImmediate(() => this.#flush())
  }

  #flush(): void {
    this.#write(packr.pack(this.#messages))
    this.#messages = []
  }
}

/**
 * The floor of a remote call: messages of a number and some bytes, batched by tick on one bare gRPC stream, sent back one
 * by one by another process and matched by their number. No actors, deadlines, bounds or flow control of its own.
 */
export async function serveEcho(): Promise<number> {
  const server = new Server()
  const method = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
  server.addService(
    { Stream: method },
    {
      Stream(call: ServerDuplexStream<Buffer, Buffer>) {
        const back = new Batches((batch) => call.write(batch))
        call.on('data', (batch: Buffer) => {
          for (const message of packr.unpack(batch) as Message[]) back.put(message)
        })
        call.on('end', () => call.end())
      },
    },
  )
  return new Promise((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) =>
      error ? reject(error) : resolve(port),
    )
  })
}

export interface EchoClient {
  echo(payload: Uint8Array): Promise<Uint8Array>
  close(): void
}

export function openEcho(port: number): EchoClient {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure())
  const stream = client.makeBidiStreamRequest<Buffer, Buffer>(PATH, same, same)
  const waiting = new Map<number, (payload: Uint8Array) => void>()
  const batches = new Batches((batch) => stream.write(batch))
  let lastId = 0
  stream.on('data', (batch: Buffer) => {
    for (const [id, payload] of packr.unpack(batch) as Message[]) {
      waiting.get(id)?.(payload)
      waiting.delete(id)
    }
  })
  stream.on('error', () => undefined)
  return {
    echo: (payload) =>
      new Promise((resolve) => {
        waiting.set(++lastId, resolve)
        batches.put([lastId, payload])
      }),
    close() {
      stream.cancel()
      client.close()
    },
  }
}
