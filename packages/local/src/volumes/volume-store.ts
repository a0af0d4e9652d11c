import { randomBytes } from 'node:crypto';
import { chmodSync, chownSync, mkdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { tokensEqual } from '../envd/signature.js';
import type { MachineVolume } from '../isolation/machine.js';
import { ApiError } from '../sandbox/api-error.js';
import type { VolumeMount } from '../sandbox/settings.js';

export interface Volume {
  id: string;
  name: string;
  /** What the content API asks for. */
  token: string;
  /** Below the instance directory. */
  source: string;
}

const directory = 'volumes';

/** Volumes of one host: directories that outlive sandboxes and end with the host or when they are destroyed. */
export class VolumeStore {
  private readonly volumes = new Map<string, Volume>();
  private readonly instanceDirectory: string;
  /** Host id of the sandboxes' user; undefined when it is the host's own. */
  private readonly ownerId: number | undefined;

  constructor(instanceDirectory: string, ownerId: number | undefined) {
    this.instanceDirectory = instanceDirectory;
    this.ownerId = ownerId;
    const root = join(instanceDirectory, directory);
    mkdirSync(root, { recursive: true });
    // Sandboxes of root have their own user ids and must be able to pass through, not to read.
    chmodSync(root, ownerId === undefined ? 0o700 : 0o711);
  }

  create(name: string): Volume {
    if (this.list().some((volume) => volume.name === name)) {
      throw new ApiError(409, `There is a volume named "${name}" already. Use it or choose another name.`);
    }
    const id = randomBytes(10).toString('hex');
    const volume = { id, name, token: randomBytes(32).toString('hex'), source: join(directory, id) };
    const path = this.pathOf(volume);
    mkdirSync(path);
    if (this.ownerId !== undefined) {
      chownSync(path, this.ownerId, this.ownerId);
    }
    this.volumes.set(id, volume);
    return volume;
  }

  list(): Volume[] {
    return [...this.volumes.values()];
  }

  get(id: string): Volume {
    const volume = this.volumes.get(id);
    if (!volume) {
      throw new ApiError(404, `There is no volume "${id}". List them with GET /volumes.`);
    }
    return volume;
  }

  /** The volume whose token it is. */
  authorized(id: string, authorization: string | undefined): Volume {
    const volume = this.get(id);
    const [scheme = '', token = ''] = (authorization ?? '').split(' ');
    if (scheme.toLowerCase() !== 'bearer' || !tokensEqual(token, volume.token)) {
      throw new ApiError(401, 'The volume token is missing or wrong. Send it as "Authorization: Bearer".');
    }
    return volume;
  }

  /** Sandboxes that show it keep what they show until they end. */
  async destroy(id: string): Promise<void> {
    const volume = this.get(id);
    this.volumes.delete(id);
    await rm(this.pathOf(volume), { recursive: true, force: true });
  }

  pathOf(volume: Volume): string {
    return join(this.instanceDirectory, volume.source);
  }

  /** By name, or by id. @throws ApiError when there is none or the place cannot be used. */
  mountsOf(mounts: readonly VolumeMount[]): MachineVolume[] {
    return mounts.map(({ name, path }) => {
      const volume = this.list().find((known) => known.name === name) ?? this.volumes.get(name);
      if (!volume) {
        throw new ApiError(404, `There is no volume named "${name}". Create it first.`);
      }
      return { source: volume.source, target: mountPoint(path) };
    });
  }
}

const reserved = /^\/(?:proc|sys|dev|usr|bin|sbin|lib\w*|etc|run)(?:\/|$)/;

function mountPoint(path: string): string {
  const plain = path.replace(/\/+/g, '/').replace(/(?<=.)\/$/, '');
  const isUsable = /^\/[^:>\n\0]+$/.test(plain) && !plain.split('/').some((part) => part === '.' || part === '..');
  if (!isUsable || reserved.test(plain)) {
    throw new ApiError(400, `A volume cannot be mounted at "${path}". Take an absolute path below /mnt or /home/user.`);
  }
  return plain;
}
