import type { NatsCredentials } from '../../cluster/index.js'

/** Where NATS is, and as whom. */
export interface NatsPlace {
  /** `nats://host:port` or `tls://host:port`. */
  readonly servers: readonly string[]
  readonly isTls: boolean
  readonly user?: string
  readonly password?: string
}

const cure = 'give nats://host:4222, with commas between several: nats://user@host1:4222,host2:4222; tls://... for TLS'

/** @throws RangeError with the cure */
export function readNats(text: string): NatsPlace {
  const match = /^(nats|tls):\/\/(?:([^:@/,]+)(?::([^@/,]*))?@)?([^@/?#]+)$/.exec(text)
  if (!match) throw new RangeError(cure)
  const [, scheme, user, password, hosts] = match
  const servers = hosts!.split(',').map((host) => {
    if (!/^(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(:\d{1,5})?$/.test(host)) throw new RangeError(cure)
    return `${scheme}://${/:\d+$/.test(host) ? host : `${host}:4222`}`
  })
  return {
    servers,
    isTls: scheme === 'tls',
    ...(user !== undefined && { user: decodeURIComponent(user) }),
    ...(password !== undefined && { password: decodeURIComponent(password) }),
  }
}

/** With what a file holds: the text of a credentials file, or the password of the user that the address names. */
export function natsCredentials({ user, password }: NatsPlace, file: string | undefined): NatsCredentials | undefined {
  if (file?.includes('BEGIN NATS USER JWT')) return { file }
  if (user === undefined) return file === undefined ? undefined : { token: file }
  return { user, password: password ?? file ?? '' }
}
