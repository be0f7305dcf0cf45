import { randomBytes } from 'node:crypto'
import { type Long, readLong, writeObject } from '../../gateway/mtproto/testing/index.js'
import { LAYER } from './raw-connection.js'

type Written = Parameters<typeof writeObject>[1]

/** A request as bytes. */
export function request(method: Written): Buffer {
  return writeObject(LAYER, method)
}

/** The first call of a connection, as clients wrap it. */
export function firstRequest(query: Written): Buffer {
  return request({
    _: 'invokeWithLayer',
    layer: LAYER,
    query: {
      _: 'initConnection',
      apiId: 1,
      deviceModel: 'Bench',
      systemVersion: '1.0',
      appVersion: '1.0',
      systemLangCode: 'en',
      langPack: '',
      langCode: 'en',
      query,
    },
  } as Written)
}

/** `messages.sendMessage` to a user, with a fresh random_id. */
export function sendMessage(userId: number, accessHash: Long, message: string): Buffer {
  return request({
    _: 'messages.sendMessage',
    peer: { _: 'inputPeerUser', userId, accessHash },
    message,
    randomId: readLong(randomBytes(8), 0),
  })
}
