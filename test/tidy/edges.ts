/**
 * The files where the outside world enters: the only ones of the program that may read the real clock, draw real
 * randomness, keep timers or read the environment. Everything else is given a `Clock`, a `Random` or its settings, so
 * that it runs in simulation. `server/`, the composition root, is an edge as a whole.
 */
export const edges: Readonly<Record<string, string>> = {
  'storage/embedded/lmdb-kv.ts': 'waits for the end of a turn of the event loop, so that its commits share a flush',
  'server/': 'composition root: makes the real clock, randomness and timers that others are given',
  'runtime/system-clock.ts': 'the real clock, with the one timer wheel of the process',
  'runtime/system-random.ts': 'the real randomness',
  'gateway/mtproto/world.ts': 'the sockets',
  'gateway/mtproto/listener-tcp.ts': 'the sockets',
  'bench/': 'measures time; runs around the program, not in it',
  'chaos/': 'runs real processes and real clients, and measures their time',
  'simulation/virtual-time.ts': 'waits for the end of a turn of the event loop: by then all that can settle has',
  'web/': 'runs in browsers',
  'scripts/': 'runs around the program, not in it',
  'examples/': 'client programs',
}

/** The only files that read the environment; scripts and the test harness pass one on. */
export const environmentReaders = ['server/main.ts', 'server/cli/main.ts', 'bench/', 'scripts/', 'test/']
