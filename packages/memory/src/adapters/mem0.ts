export type { Mem0ClientLike } from './mem0-object.js';
export { type Mem0OssOptions, mem0Oss } from './mem0-oss.js';
export { type Mem0PlatformOptions, mem0Platform } from './mem0-platform.js';
export { type Mem0ServerOptions, mem0Server } from './mem0-server.js';
