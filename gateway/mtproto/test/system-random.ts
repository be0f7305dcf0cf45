import { randomBytes, randomInt } from 'node:crypto'
import type { Random } from '../../../runtime/index.js'

export const systemRandom: Random = { bytes: (count) => randomBytes(count), int: (max) => randomInt(max) }
