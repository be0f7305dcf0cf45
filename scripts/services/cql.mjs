// As much of Cassandra's native protocol (version 4) as it takes to ask a node how it is, without a driver.

import { connect } from 'node:net'

const protocolVersion = 4
const opcodes = { error: 0x00, startup: 0x01, ready: 0x02, options: 0x05, supported: 0x06, query: 0x07, result: 0x08 }
const consistencyOne = 1
const headerBytes = 9

function frame(opcode, body = Buffer.alloc(0)) {
  const header = Buffer.alloc(headerBytes)
  header[0] = protocolVersion
  header[4] = opcode
  header.writeUInt32BE(body.length, 5)
  return Buffer.concat([header, body])
}

function shortString(text) {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(2)
  length.writeUInt16BE(bytes.length)
  return Buffer.concat([length, bytes])
}

const startupBody = Buffer.concat([Buffer.from([0, 1]), shortString('CQL_VERSION'), shortString('3.4.5')])

function queryBody(text) {
  const bytes = Buffer.from(text)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes, Buffer.from([0, consistencyOne, 0])])
}

/** Sends frames one after another, each once the one before is answered; gives the answers. */
function exchange({ host, port }, frames, withinMs) {
  return new Promise((resolve, reject) => {
    const answers = []
    let received = Buffer.alloc(0)
    const socket = connect({ host, port })
    const end = (settle, value) => {
      socket.destroy()
      settle(value)
    }
    socket.setTimeout(withinMs, () => end(reject, new Error(`${host}:${port} is silent`)))
    socket.once('connect', () => socket.write(frames[0]))
    socket.once('error', (error) => end(reject, error))
    socket.once('close', () => reject(new Error(`${host}:${port} closed the connection`)))
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk])
      if (received.length < headerBytes) return
      const length = headerBytes + received.readUInt32BE(5)
      if (received.length < length) return
      answers.push({ opcode: received[4], body: received.subarray(headerBytes, length) })
      received = received.subarray(length)
      if (answers.length === frames.length) return end(resolve, answers)
      socket.write(frames[answers.length])
    })
  })
}

/** Whether the node serves clients: it answers OPTIONS with SUPPORTED. */
export async function servesCql(address, withinMs = 2_000) {
  const answers = await exchange(address, [frame(opcodes.options)], withinMs).catch(() => [])
  return answers[0]?.opcode === opcodes.supported
}

/** How many rows a query gives on this node; 0 when it cannot be asked. The rows have to fit one page. */
export async function countRows(address, query, withinMs = 5_000) {
  const frames = [frame(opcodes.startup, startupBody), frame(opcodes.query, queryBody(query))]
  const [, result] = await exchange(address, frames, withinMs).catch(() => [])
  const kindRows = 2
  if (result?.opcode !== opcodes.result || result.body.readInt32BE(0) !== kindRows) return 0
  return rowCountOf(result.body)
}

/** The body of a result: kind, flags, count of columns, keyspace and table, the columns, count of rows. */
function rowCountOf(body) {
  const columns = body.readInt32BE(8)
  let at = 12
  const skipString = () => {
    at += 2 + body.readUInt16BE(at)
  }
  skipString()
  skipString()
  for (let column = 0; column < columns; column++) {
    skipString()
    at += 2
  }
  return body.readInt32BE(at)
}
