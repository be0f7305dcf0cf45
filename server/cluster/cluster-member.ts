import { setImmediate } from 'node:timers'
import { ClusterNode, NodeTransport, openNatsBus, type Peers, type TlsKeys } from '../../cluster/index.js'
import {
  ActorError,
  type ActorSystem,
  type Clock,
  errorCode,
  type NodeIncarnation,
  type OwnershipRegister,
  type Random,
} from '../../runtime/index.js'
import type { Log } from '../logging.js'
import { settingTable } from '../setting-table.js'
import { type ClusterSettings, SettingsRefused } from '../settings.js'
import { readGiven } from '../store-places.js'
import { natsCredentials, readNats } from './nats-place.js'
import type { LoadFigures } from './node-load.js'

/** What the server asks of its place in a cluster. */
export interface ClusterMember {
  readonly node: ClusterNode
  /** Becomes a member. Rejects with what `startRefusal` explains. */
  join(system: ActorSystem): Promise<void>
  /** Gives all shards to others, each when nothing of it is under way any more. Rejects when not all could be in time. */
  leave(): Promise<void>
  /** Once the actor system has stopped. */
  close(): Promise<void>
  /** What is not right yet, or any more, for `/readyz`. */
  checks(): Readonly<Record<string, string>>
}

export interface ClusterTools {
  readonly clock: Clock
  readonly random: Random
  readonly log: (component: string) => Log
  readonly load: LoadFigures
  /** Of this program, for people on other nodes. */
  readonly version: string
  /** How long others may take to take over the shards at a stop. */
  readonly leaveWithinMs: number
}

/** Everything of a node but its actor system; nothing is heard of it before `join`. @throws SettingsRefused */
export function clusterMember(
  settings: ClusterSettings,
  register: OwnershipRegister,
  { clock, random, log, load, version, leaveWithinMs }: ClusterTools,
): ClusterMember {
  const { name: cluster, node: self, roles, weight, listen } = settings
  const tls = tlsOf(settings)
  const bus = openNatsBus({ ...natsOf(settings), name: `heliograph ${self}`, clock, log: log('nats') })
  const node = new ClusterNode({
    cluster,
    self: { node: self, roles, weight },
    register,
    bus,
    clock,
    random,
    log: log('cluster'),
    load: () => load.now(),
    transport: (me: NodeIncarnation, peers: Peers) =>
      new NodeTransport({
        cluster,
        self: me.node,
        incarnation: me.incarnation,
        peers,
        clock,
        log: log('transport'),
        program: version,
        atTickEnd: (run) => void setImmediate(run),
        ...(tls && { tls }),
      }),
  })
  const isOfActors = roles.includes('actors')
  return {
    node,
    join: (system) => node.join(system, listen).catch((error: unknown) => Promise.reject(told(error, settings))),
    async leave() {
      if (await node.leave(leaveWithinMs)) return
      throw new Error(`not all shards could be given away in ${leaveWithinMs} ms: others wait for their lease`)
    },
    async close() {
      await node.close()
      await bus.close()
    },
    checks() {
      const { ownership } = node
      const isMember = ownership.isMember
      return {
        cluster: isMember ? 'ok' : 'this node is no member, or its lease has not been renewed in time',
        shards: !isMember || shardsAreServed(node, isOfActors) ? 'ok' : 'nobody has opened them yet',
      }
    },
  }
}

/** A node with actors has some open; any other node knows somebody who may. */
function shardsAreServed({ ownership }: ClusterNode, isOfActors: boolean): boolean {
  const members = ownership.view?.members ?? []
  const me = members.find(({ node }) => node === ownership.self)
  if (isOfActors && me?.isDraining !== true) return ownership.phases().open > 0
  return members.some(({ roles }) => roles.includes('actors'))
}

function natsOf({ nats }: ClusterSettings) {
  const place = readNats(nats.url)
  const { natsCredentialsFile, natsTlsCaFile } = settingTable
  const file = nats.credentialsFile && readGiven(natsCredentialsFile.env, nats.credentialsFile, 'NATS credentials')
  const ca = nats.tlsCaFile && readGiven(natsTlsCaFile.env, nats.tlsCaFile, 'certificates in PEM form')
  const credentials = natsCredentials(place, file)
  return {
    servers: place.servers,
    ...(credentials && { credentials }),
    ...(place.isTls && { tls: { ...(ca && { ca }) } }),
  }
}

function tlsOf({ tls }: ClusterSettings): TlsKeys | undefined {
  if (tls === undefined) return undefined
  const { nodeTlsCaFile, nodeTlsCertFile, nodeTlsKeyFile } = settingTable
  const read = (env: string, path: string, what: string) => Buffer.from(readGiven(env, path, what))
  return {
    authority: read(nodeTlsCaFile.env, tls.caFile, 'certificates in PEM form'),
    certificate: read(nodeTlsCertFile.env, tls.certFile, 'a certificate in PEM form'),
    key: read(nodeTlsKeyFile.env, tls.keyFile, 'a private key in PEM form'),
  }
}

/** A join that is refused says so under the setting that it is about. */
function told(error: unknown, { node, listen }: ClusterSettings): unknown {
  if (errorCode(error) === undefined || !(error instanceof ActorError)) return error
  if (error.details.reason === 'NOT_REACHED') {
    return new SettingsRefused([
      { env: settingTable.nodeAdvertisedHost.env, value: listen.advertised, cure: error.message },
    ])
  }
  return new SettingsRefused([{ env: settingTable.node.env, value: node, cure: error.message }])
}
