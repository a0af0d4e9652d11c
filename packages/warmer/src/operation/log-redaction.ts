/** Fields that never reach the log, should anything ever log an object that has them. */
export const redactedPaths = [
  'authorization',
  'token',
  'apiKey',
  'sealKey',
  'envdAccessToken',
  'trafficAccessToken',
  'connection',
  'env',
  'secrets',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);
