import { createHash, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import bigInt from 'big-integer'
import { sessions, TelegramClient } from 'telegram'
import { _serverKeys } from 'telegram/crypto/RSA.js'
import { ConnectionTCPFull } from 'telegram/network/index.js'

const file = (name) => readFileSync(`${process.argv[2] ?? 'data'}/${name}`, 'utf8')
const { host, port } = JSON.parse(file('listening.json')).mtproto
const n = Buffer.from(createPublicKey(file('server-key.pub.pem')).export({ format: 'jwk' }).n, 'base64url')
const sha1 = createHash('sha1').update('\xfe\0\x01\0', 'latin1').update(n).update('\x03\x01\0\x01', 'latin1')
_serverKeys.set(`${sha1.digest().readBigInt64LE(12)}`, { n: bigInt(n.toString('hex'), 16), e: 65537 })
const connection = new Proxy(ConnectionTCPFull, { construct: (Base, [given]) => new Base({ ...given, port }) })
const session = new sessions.StringSession('')
session.setDC(2, host, 443) // the library saves a port as a signed 16-bit number, and dials the one given above
const client = new TelegramClient(session, 1, 'any', { connection })
await client.start({ phoneNumber: '9996620003', phoneCode: () => '22222', onError: console.error })
const { id } = await client.sendMessage('me', { message: 'Hello from GramJS' })
console.log('Saved:', (await client.getMessages('me', { ids: id }))[0].message)
await client.destroy()
