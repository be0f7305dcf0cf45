// The versions that the project is tested with, in one place: packages, images of containers and docker-compose.yml all
// follow them (a test compares them).

import { readFileSync } from 'node:fs'

const pom = readFileSync(new URL('cassandra-pom.xml', import.meta.url), 'utf8')
const cassandra = /<artifactId>cassandra-all<\/artifactId>\s*<version>([^<]+)</.exec(pom)?.[1]
if (cassandra === undefined) throw new Error('scripts/services/cassandra-pom.xml names no version of cassandra-all')

/**
 * `exact` where the version is installed by its full number; `series` where Debian keeps only the newest fix of one
 * series, so that the series is what can be asked for.
 */
export const versions = {
  cassandra: { exact: cassandra, image: `cassandra:${cassandra}` },
  java: { series: '17' },
  postgres: { series: '15', image: 'postgres:15-bookworm' },
  redis: { series: '7.0', image: 'redis:7.0-bookworm' },
  haproxy: { series: '2.6', image: 'haproxy:2.6-bookworm' },
  prometheus: { series: '2' },
  nats: { exact: '2.15.0', image: 'nats:2.15.0-alpine' },
}
