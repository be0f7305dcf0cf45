/** What tests of other folders may know of TL's inside: the schemas as committed, and random objects of them. */

export { isLong } from '../long.js'
export { RandomObjects } from '../test/random-objects.js'
export { isInLayer, readHistory, type Shape } from '../test/shapes.js'
