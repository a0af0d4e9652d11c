import { Redis } from 'ioredis';
import { rate, type Share } from './engine-share.js';

const pop = `
local id = redis.call('LPOP', KEYS[1])
if id then redis.call('HDEL', KEYS[2], id) end
return id`;

/** What a pool without leases, keys, ends of life or an index does: pop an id, forget its record. */
export async function rawPop(url: string, times: number, atOnce: number): Promise<Share> {
  const redis = new Redis(url, { enableAutoPipelining: true, scripts: { rawPop: { lua: pop, numberOfKeys: 2 } } });
  const ids = Array.from({ length: times + times / 10 }, (_, index) => `slot-${index}`);
  for (let first = 0; first < ids.length; first += 1_000) {
    const part = ids.slice(first, first + 1_000);
    await redis.rpush('raw:idle', ...part);
    await redis.hset('raw:slots', Object.fromEntries(part.map((id) => [id, 'x'.repeat(400)])));
  }
  const script: unknown = Reflect.get(redis, 'rawPop');
  if (typeof script !== 'function') throw new TypeError('ioredis has no script rawPop.');
  const take = async () => {
    const id: unknown = await Reflect.apply(script, redis, ['raw:idle', 'raw:slots']);
    if (typeof id !== 'string') throw new Error('The list of the benchmark ran dry.');
  };
  await rate(times / 10, atOnce, take);
  const share = await rate(times, atOnce, take);
  await redis.quit();
  return share;
}
