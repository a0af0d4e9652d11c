export { RemoteClaim } from './claim.js';
export { RemoteClient, type RemoteOptions } from './client.js';
export type { FollowWay } from './follow.js';
export { RemoteIntent } from './intent.js';
export { type RemoteManagerOptions, RemoteWarmingManager, remoteManager } from './manager.js';
