import type { WireSnapshotLink } from '@pilotlight/warming/wire';
import type { FastifyBaseLogger } from 'fastify';
import type { TokenBook } from '../auth/tokens.js';
import type { ClaimManager } from '../claims/manager.js';
import type { ClaimService } from '../claims/service.js';
import type { WarmerConfig } from '../config/schema.js';
import type { EventHub } from '../events/hub.js';
import type { Metrics } from '../operation/metrics.js';
import type { ObjectiveWatch } from '../operation/objectives.js';
import type { PoolControl } from '../operation/pool-control.js';
import type { PoolDirectory } from '../operation/pools.js';
import type { Readiness } from '../operation/readiness.js';
import type { UsageBook } from '../operation/usage.js';
import type { DeclaredRuntimes } from '../runtimes/declared.js';
import type { RuntimeRegistry } from '../runtimes/registry.js';
import type { TerminalHost } from '../terminal/host.js';
import type { FollowerLimit } from './followers.js';
import type { IdempotencyStore } from './idempotency.js';
import type { RequestLimits } from './limits.js';

/** Snapshot links the engine keeps; absent when it keeps none. */
export interface SnapshotDirectory {
  list(): Promise<readonly (Omit<WireSnapshotLink, 'runtime'> & { pool?: string })[]>;
  drop(packKey: string): Promise<boolean>;
}

/** Everything the routes work with. Built once by the composition root. */
export interface ServiceContext {
  config: WarmerConfig;
  mode: 'dev' | 'serve';
  version: string;
  now: () => number;
  tokens: TokenBook;
  limits: RequestLimits;
  followers: FollowerLimit;
  idempotency: IdempotencyStore;
  manager: ClaimManager;
  registry: RuntimeRegistry;
  runtimes: DeclaredRuntimes;
  claims: ClaimService;
  hub: EventHub;
  pools: PoolDirectory;
  poolControl: PoolControl;
  objectives: ObjectiveWatch;
  usage: UsageBook;
  snapshots: SnapshotDirectory | undefined;
  terminals: TerminalHost;
  metrics: Metrics;
  readiness: Readiness;
  /** Where claimants reach sandboxes when that is not told by their domain. */
  sandboxUrl: string | undefined;
  /** Folder of the built dashboard; undefined when it was not built. */
  dashboardRoot: string | undefined;
  audit: FastifyBaseLogger;
}
