import type { Redis } from 'ioredis';
import type { TextSealer } from '../claims/text-seal.js';
import type { DeclaredRuntime, RuntimeBook } from '../runtimes/book.js';
import { openRuntime, sealRuntime } from '../runtimes/seal.js';
import { reach } from './redis-reach.js';

/** Runtimes of tenants in Redis; each replica hears of what another one was told. */
export class RedisRuntimeBook implements RuntimeBook {
  readonly #redis: Redis;
  readonly #listener: Redis;
  readonly #key: string;
  readonly #sealer: TextSealer;

  /** @param parts.listener a connection of its own: one that is subscribed can do nothing else */
  constructor(parts: { redis: Redis; listener: Redis; prefix: string; sealer: TextSealer }) {
    this.#redis = parts.redis;
    this.#listener = parts.listener;
    this.#key = `${parts.prefix}:runtimes`;
    this.#sealer = parts.sealer;
  }

  put(runtime: DeclaredRuntime): Promise<void> {
    const field = fieldOf(runtime.tenant, runtime.spec.name);
    return reach(async () => {
      await this.#redis.hset(this.#key, field, sealRuntime(this.#sealer, runtime));
      await this.#redis.publish(this.#key, field);
    });
  }

  get(tenant: string, name: string): Promise<DeclaredRuntime | undefined> {
    return reach(async () => {
      const sealed = await this.#redis.hget(this.#key, fieldOf(tenant, name));
      return sealed === null ? undefined : openRuntime(this.#sealer, tenant, name, sealed);
    });
  }

  all(): Promise<readonly DeclaredRuntime[]> {
    return reach(async () =>
      Object.entries(await this.#redis.hgetall(this.#key)).flatMap(([field, sealed]) => {
        const [tenant, name] = JSON.parse(field) as [string, string];
        return openRuntime(this.#sealer, tenant, name, sealed) ?? [];
      }),
    );
  }

  async watch(listener: (runtime: DeclaredRuntime) => void): Promise<void> {
    this.#listener.on('message', (_channel, field) => {
      const [tenant, name] = JSON.parse(field) as [string, string];
      // What cannot be read now is read by the first claim that names it.
      this.get(tenant, name).then(
        (runtime) => runtime && listener(runtime),
        () => undefined,
      );
    });
    await reach(() => this.#listener.subscribe(this.#key));
  }

  async close(): Promise<void> {
    this.#listener.disconnect();
  }
}

function fieldOf(tenant: string, name: string): string {
  return JSON.stringify([tenant, name]);
}
