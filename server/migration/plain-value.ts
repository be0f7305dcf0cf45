/** The value with all bytes as text: they are the same whatever kind of array holds them. */
export function plainValue(value: unknown): unknown {
  if (value instanceof Uint8Array) return `bytes ${Buffer.from(value).toString('base64')}`
  if (Array.isArray(value)) return value.map(plainValue)
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, plainValue(each)]))
  if (value === null || typeof value !== 'object' || value instanceof Set || value instanceof Date) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plainValue(each)]))
}
