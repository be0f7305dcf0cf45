const done = Promise.resolve()

/**
 * Runs `task` when the code that runs now has ended, before anything else happens. As `queueMicrotask`, which on Node
 * makes an async resource a call, and costs as much as a turn. A task that throws is an unhandled rejection.
 */
export function inMicrotask(task: () => void): void {
  void done.then(task)
}
