import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { loadConfig } from '../../packages/warmer/src/config/load.js';

const read = (path: string): string =>
  readFileSync(fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url)), 'utf8');
const sealKey = 'a'.repeat(64);

/** The configuration a container ends up with: the file, and what its environment says. */
function configOf(environment: Record<string, string>) {
  return loadConfig({
    file: { path: 'pilotlight.yaml', text: read('pilotlight.yaml') },
    environment: { PILOTLIGHT_SEAL_KEY: sealKey, ...environment },
  });
}

describe('what deploy/ ships', () => {
  it('is a configuration that the service takes', () => {
    expect(configOf({}).runtimes.map((runtime) => runtime.name)).toEqual(['node-typescript']);
  });

  it('is an image that starts the command there is, as nobody in particular, on the port that is probed', () => {
    const lines = read('Dockerfile').split('\n');
    const environment = Object.fromEntries(
      [...read('Dockerfile').matchAll(/(PILOTLIGHT_[A-Z_]+)=('[^']*'|\S+)/g)].map(([, name, value]) => [
        name!,
        value!.replace(/^'|'$/g, ''),
      ]),
    );
    const config = configOf(environment);
    expect(config.listen).toMatchObject({ host: '0.0.0.0', port: 7700 });
    expect(config.store).toEqual({ kind: 'sqlite', path: '/data/warmer.db' });
    expect(lines).toContain('USER node');
    expect(lines).toContain('EXPOSE 7700');
    expect(existsSync(fileURLToPath(new URL('../../packages/warmer/bin/pilotlight.mjs', import.meta.url)))).toBe(true);
    expect(lines.find((line) => line.startsWith('ENTRYPOINT'))).toContain('packages/warmer/bin/pilotlight.mjs');
  });

  it('is a compose file whose replicas share a Redis that keeps what it acknowledged', () => {
    const { services } = parse(read('compose.yaml'));
    const { redis, warmer, proxy } = services;
    expect(redis.command).toContain('noeviction');
    expect(warmer.deploy.replicas).toBe(3);
    const config = configOf({ PILOTLIGHT_STORE: warmer.environment.PILOTLIGHT_STORE });
    expect(config.store).toMatchObject({ kind: 'redis', url: 'redis://redis:6379' });
    expect(Number.parseInt(warmer.stop_grace_period, 10) * 1_000).toBeGreaterThan(config.drainMs);
    expect(
      existsSync(
        fileURLToPath(new URL(`../../deploy/${warmer.build.dockerfile.replace('deploy/', '')}`, import.meta.url)),
      ),
    ).toBe(true);
    expect(proxy.ports.every((port: string) => port.startsWith('127.0.0.1:'))).toBe(true);
    expect(read('nginx.conf')).toContain('proxy_buffering off');
  });

  it('is a Kubernetes manifest with probes at paths the service answers, and time to drain', () => {
    const documents = parseAllDocuments(read('kubernetes/pilotlight.yaml')).map((document) => document.toJS());
    expect(documents.map(({ kind }) => kind)).toEqual(['Deployment', 'Service', 'PodDisruptionBudget']);
    const pod = documents[0].spec.template.spec;
    const [container] = pod.containers;
    expect(container.readinessProbe.httpGet.path).toBe('/readyz');
    expect(container.livenessProbe.httpGet.path).toBe('/healthz');
    expect(container.startupProbe.httpGet.path).toBe('/healthz');
    expect(container.ports[0].containerPort).toBe(configOf({}).listen.port);
    expect(pod.terminationGracePeriodSeconds * 1_000).toBeGreaterThan(configOf({}).drainMs);
    expect(container.securityContext).toMatchObject({ allowPrivilegeEscalation: false, readOnlyRootFilesystem: true });
    expect(pod.securityContext.runAsNonRoot).toBe(true);
    expect(documents[1].spec.selector).toEqual(documents[0].spec.selector.matchLabels);
  });
});
