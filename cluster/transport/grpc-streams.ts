/**
 * Streams of bytes between two processes, over gRPC: one bidirectional stream each, messages as they are (msgpack inside,
 * no protobuf). All that this program knows of gRPC is here.
 */
import {
  Client,
  type ClientDuplexStream,
  credentials,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  status,
} from '@grpc/grpc-js'
import { ActorError } from '../../runtime/index.js'

/** Mutual TLS: each node shows a certificate that the cluster's authority signed. PEM. */
export interface TlsKeys {
  readonly authority: Buffer
  readonly certificate: Buffer
  readonly key: Buffer
}

export interface Stream {
  write(message: Uint8Array): void
  /** Ends it for both sides; what was written before may be lost. */
  end(why: string): void
}

export interface StreamEvents {
  message(bytes: Buffer): void
  /** Once; nothing follows. */
  ended(why: string): void
}

export interface StreamOptions {
  readonly tls?: TlsKeys | undefined
  readonly frameBytes: number
}

const PATH = '/heliograph.Node/Stream'

const same = (bytes: Buffer) => bytes

const channelOptions = ({ frameBytes }: StreamOptions) => ({
  'grpc.max_receive_message_length': frameBytes,
  'grpc.max_send_message_length': frameBytes,
  'grpc.keepalive_time_ms': 10_000,
  'grpc.keepalive_timeout_ms': 5_000,
  // A process dials each node with a connection of its own, and dials again itself.
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
})

/** Streams between processes, whatever carries them. */
export interface StreamLayer {
  dial(address: string, options: StreamOptions, events: StreamEvents): Stream
  listen(
    at: { readonly host: string; readonly port: number },
    options: StreamOptions,
    accept: (stream: Stream) => StreamEvents,
  ): Promise<StreamListener>
}

/** Dials `host:port`. Events come later, never within the call. */
function dial(address: string, options: StreamOptions, events: StreamEvents): Stream {
  const { tls } = options
  const client = new Client(
    address,
    tls ? credentials.createSsl(tls.authority, tls.key, tls.certificate) : credentials.createInsecure(),
    channelOptions(options),
  )
  const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(PATH, same, same)
  const ended = once((why) => {
    client.close()
    events.ended(why)
  })
  stream.on('data', (bytes: Buffer) => events.message(bytes))
  stream.on('error', (error) => ended(error.message))
  stream.on('end', () => ended('the other node ended the stream'))
  return {
    write: (message) => stream.write(asBuffer(message)),
    end(why) {
      stream.cancel()
      ended(why)
    },
  }
}

export interface StreamListener {
  readonly port: number
  /** Ends all streams and stops listening. */
  close(): Promise<void>
}

/** Listens on `host`; port 0 takes a free one. Rejects when it cannot. */
async function listen(
  at: { readonly host: string; readonly port: number },
  options: StreamOptions,
  accept: (stream: Stream) => StreamEvents,
): Promise<StreamListener> {
  const server = new Server(channelOptions(options))
  const method = {
    path: PATH,
    requestStream: true,
    responseStream: true,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  }
  server.addService({ Stream: method }, { Stream: (call: ServerDuplexStream<Buffer, Buffer>) => taken(call, accept) })
  const { tls } = options
  const keys = tls && [{ private_key: tls.key, cert_chain: tls.certificate }]
  const serverCredentials = keys
    ? ServerCredentials.createSsl(tls.authority, keys, true)
    : ServerCredentials.createInsecure()
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`${at.host}:${at.port}`, serverCredentials, (error, bound) => {
      if (error)
        reject(new ActorError('INTERNAL', `cannot listen for nodes on ${at.host}:${at.port}: ${error.message}`))
      else resolve(bound)
    })
  })
  return {
    port,
    close: async () => server.forceShutdown(),
  }
}

export const grpcStreams: StreamLayer = { dial, listen }

function taken(call: ServerDuplexStream<Buffer, Buffer>, accept: (stream: Stream) => StreamEvents): void {
  const ended = once((why) => events.ended(why))
  const events = accept({
    write: (message) => call.write(asBuffer(message)),
    end(why) {
      call.emit('error', { code: status.FAILED_PRECONDITION, details: why })
      ended(why)
    },
  })
  call.on('data', (bytes: Buffer) => events.message(bytes))
  call.on('error', (error) => ended(error.message))
  call.on('cancelled', () => ended('the other node cancelled the stream'))
  call.on('end', () => {
    call.end()
    ended('the other node ended the stream')
  })
}

function once(run: (why: string) => void): (why: string) => void {
  let isDone = false
  return (why) => {
    if (isDone) return
    isDone = true
    run(why)
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
