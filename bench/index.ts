/** What other programs that measure draw their pages with. */
export { shortly, shown } from './report/figures.js'
export { linearScale, logarithmicScale } from './report/scale.js'
export { reportStyle } from './report/style.js'
export { escaped } from './report/svg.js'
