import { ActorError } from '../../runtime/index.js'
import type { CassandraConnection } from './options.js'

/** What one line says of a cluster: see `readCassandra`. */
export interface CassandraAddress extends CassandraConnection {
  /** Copies in the local data centre, of a keyspace that is made new. */
  readonly replication: number
}

/**
 * Reads `cassandra://user:password@host:port,host:port/keyspace?dc=name&replication=3&tls=on`. Required are the hosts; the
 * password may stand elsewhere. The defaults are port 9042, keyspace `heliograph`, data centre `dc1`, replication 3, no TLS.
 * With `tls=on` a node's certificate has to name its address, with `tls=ca` only to come from the authority that is given
 * elsewhere.
 */
export function readCassandra(text: string): CassandraAddress {
  const [, user, password, hosts = '', keyspace = 'heliograph', query = ''] =
    /^cassandra:\/\/(?:([^:@/]+)(?::([^@/]*))?@)?([^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ??
    refuse('it is no cassandra://...')
  const contactPoints = hosts.split(',').filter((host) => host !== '')
  if (contactPoints.length === 0) refuse('it names no host')
  if (!/^[a-z][a-z0-9_]{0,47}$/.test(keyspace)) refuse(`${keyspace} is no keyspace: a letter, then letters, digits, _`)
  const given = new URLSearchParams(query)
  const unknown = [...given.keys()].find((name) => !['dc', 'replication', 'tls'].includes(name))
  if (unknown !== undefined) refuse(`there is no option ${unknown}`)
  const replication = Number(given.get('replication') ?? '3')
  if (!Number.isInteger(replication) || replication < 1) refuse('replication is a whole number above 0')
  return {
    contactPoints,
    localDataCenter: given.get('dc') ?? 'dc1',
    keyspace,
    replication,
    ...(user !== undefined && {
      credentials: { username: decodeURIComponent(user), password: decodeURIComponent(password ?? '') },
    }),
    ...tlsOf(given.get('tls') ?? 'off'),
  }
}

function tlsOf(given: string): Pick<CassandraConnection, 'tls'> {
  switch (given) {
    case 'off':
      return {}
    case 'on':
      return { tls: {} }
    case 'ca':
      return { tls: { checkServerIdentity: anyName } }
    default:
      return refuse('tls is on, ca or off')
  }
}

/** Whether addresses of nodes stand in their certificates is not looked at. */
const anyName = () => undefined

function refuse(problem: string): never {
  throw new ActorError('REFUSED', `Address of Cassandra: ${problem}`, { reason: 'BAD_CASSANDRA' })
}
