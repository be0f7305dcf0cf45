// What a Cassandra node reads at its start. Small: a node of this size serves tests and one developer, in 512 MB of heap.

import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Settings that production has too: docker-compose.yml is compared with them.
 *
 * `commitlog_sync: periodic` acknowledges before the flush: a power cut of all replicas at once may lose up to
 * `commitlog_sync_period`, and a killed node forgets what it acknowledged after the last marker in its log, which it writes
 * ten times a second: the other replicas have it. With one replica on a machine that matters, take `batch` or `group`.
 */
export const sharedSettings = {
  num_tokens: 4,
  endpoint_snitch: 'GossipingPropertyFileSnitch',
  commitlog_sync: 'periodic',
  commitlog_sync_period: '10s',
  // The second version holds a promise across topology changes and takes one round trip less.
  paxos_variant: 'v2',
  auto_snapshot: false,
  materialized_views_enabled: false,
}

/** The same as properties, for what Cassandra's own image has no variable for. */
export function settingProperties() {
  const { num_tokens: _, endpoint_snitch: __, ...rest } = sharedSettings
  const properties = Object.entries(rest).map(([name, value]) => `-Dcassandra.settings.${name}=${value}`)
  return ['-Dcassandra.config.allow_system_properties=true', ...properties]
}

const smallNodeSettings = {
  partitioner: 'org.apache.cassandra.dht.Murmur3Partitioner',
  auto_bootstrap: false,
  commitlog_segment_size: '16MiB',
  commitlog_total_space: '256MiB',
  commitlog_disk_access_mode: 'legacy',
  disk_access_mode: 'mmap_index_only',
  memtable_heap_space: '128MiB',
  memtable_offheap_space: '64MiB',
  file_cache_size: '32MiB',
  networking_cache_size: '16MiB',
  key_cache_size: '8MiB',
  counter_cache_size: '0MiB',
  concurrent_reads: 16,
  concurrent_writes: 16,
  concurrent_counter_writes: 2,
  concurrent_compactors: 1,
  memtable_flush_writers: 1,
  // Two cores with three nodes on them are slow now and then; that is no failure of the ring.
  read_request_timeout: '10s',
  range_request_timeout: '10s',
  write_request_timeout: '10s',
  cas_contention_timeout: '5s',
  truncate_request_timeout: '60s',
  request_timeout: '10s',
  hinted_handoff_enabled: true,
  storage_compatibility_mode: 'NONE',
}

const logback = `<configuration>
  <appender name="STDOUT" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%-5level [%thread] %date{ISO8601} %F:%L - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="STDOUT"/></root>
</configuration>
`

/** JSON is YAML: nothing has to be escaped by hand. */
function yamlOf({ dir, host, ports, clusterName, seeds, overrides }) {
  const storage = {
    cluster_name: clusterName,
    seed_provider: [
      { class_name: 'org.apache.cassandra.locator.SimpleSeedProvider', parameters: [{ seeds: seeds.join(',') }] },
    ],
    listen_address: host,
    rpc_address: host,
    native_transport_port: ports.cql,
    storage_port: ports.storage,
    data_file_directories: [join(dir, 'data')],
    commitlog_directory: join(dir, 'commitlog'),
    saved_caches_directory: join(dir, 'saved_caches'),
    hints_directory: join(dir, 'hints'),
    cdc_raw_directory: join(dir, 'cdc_raw'),
  }
  const settings = { ...smallNodeSettings, ...sharedSettings, ...storage, ...overrides }
  if (settings.commitlog_sync !== 'periodic') delete settings.commitlog_sync_period
  if (settings.commitlog_sync === 'group') settings.commitlog_sync_group_window ??= '10ms'
  return `${JSON.stringify(settings, null, 2)}\n`
}

/**
 * Writes a node's configuration folder.
 *
 * @param {{dir: string, host: string, ports: Record<string, number>, clusterName: string, seeds: readonly string[],
 *   overrides: Record<string, unknown>}} node
 */
export function writeConfiguration(node) {
  const conf = join(node.dir, 'conf')
  mkdirSync(join(conf, 'triggers'), { recursive: true })
  mkdirSync(join(node.dir, 'tmp'), { recursive: true })
  writeFileSync(join(conf, 'cassandra.yaml'), yamlOf(node))
  writeFileSync(join(conf, 'cassandra-rackdc.properties'), 'dc=dc1\nrack=rack1\n')
  writeFileSync(join(conf, 'logback.xml'), logback)
}

/** What Cassandra reaches into on JDK 17, as its own jvm17-server.options lists it. */
const exported = [
  'java.base/jdk.internal.misc',
  'java.management.rmi/com.sun.jmx.remote.internal.rmi',
  'java.rmi/sun.rmi.registry',
  'java.rmi/sun.rmi.server',
  'java.sql/java.sql',
  'java.base/java.lang.ref',
  'jdk.unsupported/sun.misc',
  'jdk.compiler/com.sun.tools.javac.file',
  'jdk.attach/sun.tools.attach',
]
const opened = [
  'java.base/java.lang.module',
  'java.base/jdk.internal.loader',
  'java.base/jdk.internal.ref',
  'java.base/jdk.internal.reflect',
  'java.base/jdk.internal.math',
  'java.base/jdk.internal.module',
  'java.base/jdk.internal.util.jar',
  'jdk.management/com.sun.management.internal',
  'java.base/sun.nio.ch',
  'java.base/java.io',
  'java.base/java.lang.reflect',
  'jdk.compiler/com.sun.tools.javac',
  'java.base/java.lang',
  'java.base/java.util',
  'java.base/java.nio',
]
const moduleFlags = [
  '-Djdk.attach.allowAttachSelf=true',
  ...exported.flatMap((each) => ['--add-exports', `${each}=ALL-UNNAMED`]),
  ...opened.flatMap((each) => ['--add-opens', `${each}=ALL-UNNAMED`]),
]

function jarsOf(lib) {
  return readdirSync(lib)
    .filter((name) => name.endsWith('.jar'))
    .map((name) => join(lib, name))
}

/** The arguments of `java` for a node. */
export function nodeArguments({ dir, lib, ports, heapMb }) {
  const conf = join(dir, 'conf')
  const jars = jarsOf(lib)
  const jamm = jars.find((path) => /\/jamm-[^/]*\.jar$/.test(path))
  if (jamm === undefined) throw new Error(`${lib} holds no jamm-*.jar: remove the folder and install again`)
  return [
    `-Xms${heapMb}m`,
    `-Xmx${heapMb}m`,
    '-Xss512k',
    '-XX:+UseG1GC',
    '-XX:MaxGCPauseMillis=300',
    '-XX:MaxDirectMemorySize=256m',
    '-XX:+ExitOnOutOfMemoryError',
    '-XX:+PerfDisableSharedMem',
    '-Djava.net.preferIPv4Stack=true',
    `-Djava.io.tmpdir=${join(dir, 'tmp')}`,
    `-javaagent:${jamm}`,
    ...moduleFlags,
    '-Dio.netty.tryReflectionSetAccessible=true',
    '-Dio.netty.allocator.useCacheForAllThreads=true',
    '-Dio.netty.allocator.maxOrder=11',
    `-Dcassandra.config=${fileUrl(join(conf, 'cassandra.yaml'))}`,
    `-Dcassandra-rackdc.properties=${fileUrl(join(conf, 'cassandra-rackdc.properties'))}`,
    `-Dlogback.configurationFile=${join(conf, 'logback.xml')}`,
    `-Dcassandra.storagedir=${dir}`,
    `-Dcassandra.logdir=${dir}`,
    `-Dcassandra.jmx.local.port=${ports.jmx}`,
    // 0 would be faster, but kills a node whose seed is late.
    '-Dcassandra.ring_delay_ms=10000',
    '-Dcassandra.skip_wait_for_gossip_to_settle=0',
    '-Dcassandra.consistent.rangemovement=false',
    '-Dcassandra.superuser_setup_delay_ms=0',
    '-Dcassandra.shutdown_announce_in_ms=0',
    '-Dcassandra-foreground=yes',
    '-cp',
    [conf, ...jars].join(':'),
    'org.apache.cassandra.service.CassandraDaemon',
  ]
}

/** The arguments of `java` for nodetool, talking to the node whose JMX port is given. */
export function nodetoolArguments({ dir, lib, jmxPort }, args) {
  return [
    ...moduleFlags,
    '-Xmx128m',
    `-Dlogback.configurationFile=${join(dir, 'conf', 'logback.xml')}`,
    `-Dcassandra.storagedir=${dir}`,
    '-cp',
    jarsOf(lib).join(':'),
    'org.apache.cassandra.tools.NodeTool',
    '-h',
    '127.0.0.1',
    '-p',
    String(jmxPort),
    ...args,
  ]
}

function fileUrl(path) {
  // Cassandra wants three slashes and takes the path as it is.
  return `file://${fileURLToPath(new URL(`file://${encodeURI(path)}`))}`
}
