/**
 * Where the settings in the environment say that stores are, passwords from files included. Needs dist/.
 *
 * @returns {Promise<{cassandra?: object, postgres?: readonly object[]}>}
 */
export async function storePlaces() {
  const { readSettings } = await import('../dist/server/settings.js')
  const { cassandraPlace, postgresPlaces } = await import('../dist/server/store-places.js')
  const { cassandra, postgres } = readSettings(process.env)
  return { cassandra: cassandra && cassandraPlace(cassandra), postgres: postgres && postgresPlaces(postgres) }
}
