// Where a development cluster's files lie, and what it says of itself there.

import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { root } from '../project.mjs'

/** Data, logs, keys and records of the cluster of one checkout. */
export function defaultClusterDir() {
  return resolve(root, '.heliograph/cluster')
}

/**
 * One process: how it is called, what it does, and where it is while it runs.
 *
 * @typedef {{name: string, role: 'gateway' | 'actors', pid: number, startedAt: string | undefined, http?: string,
 *   mtproto?: string}} Process
 * @typedef {{pid: number, startedAt: string | undefined, processes: readonly Process[]}} ClusterRecord
 */

const recordPath = (dir) => join(dir, 'cluster.json')
/** What `npx heliograph status` and its sisters read: any node answers them for all. */
const adminPath = (dir) => join(dir, 'admin.json')

/** @returns {ClusterRecord | undefined} */
export function readCluster(dir) {
  try {
    return JSON.parse(readFileSync(recordPath(dir), 'utf8'))
  } catch (error) {
    if (error.code === 'ENOENT') return undefined
    throw error
  }
}

/** @param {ClusterRecord} record */
export function writeCluster(dir, record) {
  replace(recordPath(dir), record)
  const urls = record.processes.flatMap(({ http }) => (http === undefined ? [] : [http]))
  replace(adminPath(dir), { urls, tokenFile: 'admin-token' })
}

export function forgetCluster(dir) {
  for (const path of [recordPath(dir), adminPath(dir)]) rmSync(path, { force: true })
}

/** In one step: a reader beside it never sees half of it. */
function replace(path, value) {
  mkdirSync(join(path, '..'), { recursive: true })
  writeFileSync(`${path}.new`, `${JSON.stringify(value, null, 2)}\n`)
  renameSync(`${path}.new`, path)
}
