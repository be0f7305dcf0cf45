// What the program is told so that it runs on servers that were started here.

/** By the first word of a server's name; `copies` of what lies in Cassandra: as many as it has nodes, at most three. */
const families = new Map([
  ['cassandra', ({ url, members }) => ['HELIOGRAPH_CASSANDRA', cassandraAddress(url, Math.min(3, members.length))]],
  ['postgres', ({ url }) => ['HELIOGRAPH_POSTGRES_SERVERS', `main=${url}`]],
  ['redis', ({ url }) => ['HELIOGRAPH_REDIS_URL', url]],
  ['nats', ({ url }) => ['HELIOGRAPH_NATS', url.replaceAll(',nats://', ',')]],
])

function cassandraAddress(contactPoints, copies) {
  return `cassandra://${contactPoints}/heliograph?dc=dc1&replication=${copies}`
}

/**
 * The settings by name.
 *
 * @param {{name: string, url: string, members: readonly unknown[]}[]} records of the servers
 */
export function programSettings(records) {
  return Object.fromEntries(records.map((record) => families.get(record.name.split('-')[0])(record)))
}
