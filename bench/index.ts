/** What other programs that measure draw their pages with, and start a cluster with. */
export { shortly, shown } from './report/figures.js'
export { linearScale, logarithmicScale } from './report/scale.js'
export { reportStyle } from './report/style.js'
export { escaped } from './report/svg.js'
export { type ClusterScripts, clusterScripts, type Role, type Started } from './target/cluster-scripts.js'
