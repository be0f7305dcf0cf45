/**
 * A value that is mostly here already. Nearly all of a message's way through the program waits for nothing but its commits;
 * made of async functions, much of its time went into promises that were settled when they were made.
 *
 * What makes one may throw instead of rejecting. So two of them never stand side by side in a Promise.all: the second's
 * throw would leave the first's rejection to nobody.
 */
export type Soon<T> = T | Promise<T>

export function isPromise<T>(value: Soon<T>): value is Promise<T> {
  return value instanceof Promise
}

/** `next` with the value: at once if it is here. Then what `next` throws is thrown at once, too. */
export function after<T, R>(value: Soon<T>, next: (value: T) => Soon<R>): Soon<R> {
  return isPromise(value) ? value.then(next) : next(value)
}
