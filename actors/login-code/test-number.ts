const TEST_NUMBER = /^99966([0-9])[0-9]{4}$/

/**
 * The code of a test number: `99966XYYYY` logs in with X five times.
 * @see https://core.telegram.org/api/auth#test-accounts
 */
export function testCodeOf(phone: string): string | undefined {
  return TEST_NUMBER.exec(phone)?.[1]?.repeat(5)
}
