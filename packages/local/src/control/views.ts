import { cpus, totalmem } from 'node:os';
import { envdVersion } from '../envd/service.js';
import type { Sandbox } from '../sandbox/sandbox.js';
import type { NetworkSettings } from '../sandbox/settings.js';

const mebibyte = 1024 * 1024;

/** What the machine really has: sandboxes share it. */
const resources = {
  cpuCount: cpus().length,
  memoryMB: Math.floor(totalmem() / mebibyte),
  diskSizeMB: 10_240,
};

/** The answer to create and connect. The host has no domain of its own: clients reach sandboxes by `sandboxUrl`. */
export function createdView(sandbox: Sandbox, domain: string | null) {
  return {
    sandboxID: sandbox.id,
    templateID: sandbox.settings.templateId,
    clientID: 'local',
    envdVersion,
    envdAccessToken: sandbox.envdAccessToken,
    ...(sandbox.trafficAccessToken ? { trafficAccessToken: sandbox.trafficAccessToken } : {}),
    ...(sandbox.settings.alias ? { alias: sandbox.settings.alias } : {}),
    domain,
  };
}

export function listedView(sandbox: Sandbox) {
  return {
    sandboxID: sandbox.id,
    templateID: sandbox.settings.templateId,
    clientID: 'local',
    envdVersion,
    ...(sandbox.settings.alias ? { alias: sandbox.settings.alias } : {}),
    startedAt: new Date(sandbox.startedAtMs).toISOString(),
    endAt: new Date(sandbox.endAtMs).toISOString(),
    state: sandbox.state,
    ...resources,
    metadata: sandbox.settings.metadata,
    volumeMounts: sandbox.settings.volumeMounts,
  };
}

export function detailView(sandbox: Sandbox, domain: string | null) {
  const { onTimeout, autoResume } = sandbox.settings.lifecycle;
  return {
    ...listedView(sandbox),
    envdAccessToken: sandbox.envdAccessToken,
    domain,
    allowInternetAccess: sandbox.settings.allowInternetAccess ?? null,
    ...(sandbox.settings.network ? { network: shownNetwork(sandbox.settings.network) } : {}),
    lifecycle: { onTimeout: onTimeout.kind, autoResume },
  };
}

/** A password goes in and never out. */
function shownNetwork(network: NetworkSettings) {
  const { egressProxy, ...rest } = network;
  return {
    ...rest,
    ...(egressProxy ? { egressProxy: { address: egressProxy.address, username: egressProxy.username } } : {}),
  };
}
