export { ClusterAdmin, type ClusterSource, type NodeSource } from './admin/cluster-admin.js'
export { memberCluster } from './admin/member-cluster.js'
export type {
  ActivationReport,
  ActorQuery,
  ActorRow,
  ActorStatus,
  ClusterReport,
  HotActor,
  KindReport,
  NodeReport,
  NodeStatus,
  ShardMap,
  TracedHop,
  Waits,
} from './admin/reports.js'
export { TurnWatch, type WatchedTurn } from './admin/turn-watch.js'
export { ClusterNode, type ClusterNodeOptions, type ClusterTransport } from './cluster-node.js'
export { Announcements } from './membership/announcements.js'
export type { Bus, BusReply } from './membership/bus.js'
export type { ClusterEvent, ClusterEventKind } from './membership/cluster-event.js'
export {
  checkRecoveryTime,
  type DetectionLimits,
  defaultDetectionLimits,
} from './membership/detection-limits.js'
export { type DirectProbes, directProbes } from './membership/direct-probes.js'
export { FailureDetector, type FailureDetectorOptions } from './membership/failure-detector.js'
export type { Heartbeat, NodeLoad } from './membership/heartbeat.js'
export { Heartbeats } from './membership/heartbeats.js'
export { type NatsBus, type NatsCredentials, type NatsOptions, openNatsBus } from './membership/nats-bus.js'
export { ClusterOwnership } from './ownership/cluster-ownership.js'
export { Coordinator } from './ownership/coordinator.js'
export type { LeaseLimits } from './ownership/node-lease.js'
export type { SoleOwnership, SoleOwnershipOptions } from './ownership/sole-owner.js'
export { openSoleOwnership } from './ownership/sole-owner.js'
export type { Placement } from './placement/placement.js'
export { propose } from './placement/placement.js'
export type { RingMember } from './placement/ring.js'
export type { Stream, StreamEvents, StreamLayer, TlsKeys } from './transport/grpc-streams.js'
export type { Peers } from './transport/node-transport.js'
export { NodeTransport } from './transport/node-transport.js'
export { PROTOCOL_VERSIONS } from './transport/protocol-versions.js'
