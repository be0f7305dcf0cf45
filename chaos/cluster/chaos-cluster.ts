import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ClusterScripts, clusterScripts, type Role, type Started } from '../../bench/index.js'
import { waitUntil } from '../../test/harness/wait-until.js'

/** A node of the cluster while its process lives. */
export interface Live {
  readonly name: string
  readonly role: Role
  readonly http: string
  /** Where clients reach it; only a gateway has one. */
  readonly mtproto?: { readonly host: string; readonly port: number }
}

interface Member extends Live {
  readonly started: Started
}

const goneWithinMs = 20_000

/** Nodes and gateways as processes on loopback, which an experiment treats as badly as it likes. */
export class ChaosCluster {
  readonly publicKeyPem: string
  readonly env: Readonly<Record<string, string>>
  readonly #dir: string
  readonly #scripts: ClusterScripts
  readonly #members = new Map<string, Member>()
  /** Every process that was started and may live: none outlives this one. */
  readonly #started = new Set<Started>()

  private constructor(dir: string, scripts: ClusterScripts, keys: string, env: Readonly<Record<string, string>>) {
    this.#dir = dir
    this.#scripts = scripts
    this.env = env
    this.publicKeyPem = readFileSync(join(keys, 'server-key.pub.pem'), 'utf8')
    process.on('exit', this.#killAll)
  }

  /** `storesEnv`: the settings that send a node to its stores, and more of them. */
  static async open(dir: string, storesEnv: Readonly<Record<string, string>>): Promise<ChaosCluster> {
    mkdirSync(dir, { recursive: true })
    const scripts = await clusterScripts()
    const secrets = await scripts.keysOf(dir)
    return new ChaosCluster(dir, scripts, secrets.keys, await scripts.settingsOf(secrets, { env: storesEnv }))
  }

  /** Starts a node, also one that was killed or stopped, and waits until it says that it is ready. */
  async start(
    name: string,
    role: Role,
    {
      env,
      through,
      program,
    }: {
      env?: Readonly<Record<string, string>>
      through?: readonly string[]
      /** The folder of another build. */
      program?: string | undefined
    } = {},
  ): Promise<void> {
    const ports = { HELIOGRAPH_HTTP_PORT: '0', HELIOGRAPH_MTPROTO_PORT: '0' }
    const started = this.#scripts.start({
      ...{ dir: this.#dir, name, role },
      env: { ...this.env, ...ports, ...env },
      ...(through && { through }),
      ...(program !== undefined && { program }),
    })
    this.#started.add(started)
    const { http, mtproto } = await this.#scripts.untilReady(started)
    this.#members.set(name, {
      name,
      role,
      http,
      started,
      ...(mtproto !== undefined && { mtproto: addressOf(mtproto) }),
    })
  }

  /** As an operator stops it: SIGTERM. False: it did not end in time and was killed. */
  async stop(name: string): Promise<boolean> {
    const { started } = this.#member(name)
    const isInOrder = await this.#scripts.stop(started)
    this.#forget(name)
    return isInOrder
  }

  /** SIGKILL; resolves when the process is gone. */
  async kill9(name: string): Promise<void> {
    const { started } = this.#member(name)
    process.kill(started.pid, 'SIGKILL')
    this.#members.delete(name)
    await waitUntil(`${name} is gone`, () => !this.#scripts.isAlive(started), goneWithinMs)
    this.#started.delete(started)
  }

  /** SIGSTOP: its sockets stay open and silent. */
  freeze(name: string): void {
    process.kill(this.#member(name).started.pid, 'SIGSTOP')
  }

  thaw(name: string): void {
    process.kill(this.#member(name).started.pid, 'SIGCONT')
  }

  live(role: Role): readonly Live[] {
    return [...this.#members.values()].filter((each) => each.role === role)
  }

  /** Those that should run and do not. */
  ended(): readonly string[] {
    return [...this.#members.values()].flatMap(({ name, started }) => (this.#scripts.isAlive(started) ? [] : [name]))
  }

  /** All that a node has printed, over all its starts. */
  log(name: string): string {
    return readFileSync(join(this.#dir, name, 'server.log'), 'utf8')
  }

  /** What is measured is over: nothing has to end in order any more. */
  async close(): Promise<void> {
    this.#killAll()
    await waitUntil(
      'all are gone',
      () => [...this.#started].every((each) => !this.#scripts.isAlive(each)),
      goneWithinMs,
    )
    process.off('exit', this.#killAll)
  }

  readonly #killAll = (): void => {
    for (const each of this.#started) if (this.#scripts.isAlive(each)) process.kill(each.pid, 'SIGKILL')
  }

  #forget(name: string): void {
    this.#started.delete(this.#member(name).started)
    this.#members.delete(name)
  }

  #member(name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) throw new Error(`${name} does not run`)
    return member
  }
}

function addressOf(text: string): { readonly host: string; readonly port: number } {
  const at = text.lastIndexOf(':')
  return { host: text.slice(0, at), port: Number(text.slice(at + 1)) }
}
