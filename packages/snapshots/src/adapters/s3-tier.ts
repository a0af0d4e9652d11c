import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { SnapshotError } from '../errors.js';
import type { Tier, TierKey } from '../tiers/tier.js';

export interface S3TierOptions {
  bucket: string;
  /** Put before every key; what a CDN in front of the bucket has as its path. @default '' */
  prefix?: string;
  /** @default 's3' */
  name?: string;
  /** @default what the AWS client finds */
  region?: string;
  /** For S3-compatible servers. @default AWS */
  endpoint?: string;
  /** @default what the AWS client finds */
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string };
  /** Needed by most S3-compatible servers. @default true with an `endpoint` */
  forcePathStyle?: boolean;
  /** A larger object is not read. @default 134_217_728 */
  maximumBytes?: number;
}

const expiryField = 'pilotlight-ends-at-ms';

/**
 * Keeps objects in S3 or a server that speaks its protocol. S3 does not forget by itself: an object whose time is over is
 * not given out and is removed when it is met; add a lifecycle rule of the same length to the bucket.
 */
export function createS3Tier(options: S3TierOptions): Tier {
  const { bucket, region, endpoint, credentials } = options;
  const prefix = options.prefix ?? '';
  const maximumBytes = options.maximumBytes ?? 128 * 1024 * 1024;
  const client = new S3Client({
    ...(region && { region }),
    ...(endpoint && { endpoint }),
    ...(credentials && { credentials }),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const place = (key: TierKey) => ({ Bucket: bucket, Key: `${prefix}${key}` });
  const settings = (signal: AbortSignal | undefined) => (signal ? { abortSignal: signal } : {});

  return {
    name: options.name ?? 's3',

    get: async (key, { signal } = {}) => {
      try {
        const answer = await client.send(new GetObjectCommand(place(key)), settings(signal));
        if ((answer.ContentLength ?? 0) > maximumBytes) throw tooLarge(key, answer.ContentLength ?? 0);
        const bytes = await answer.Body?.transformToByteArray();
        const endsAtMs = Number(answer.Metadata?.[expiryField] ?? Number.POSITIVE_INFINITY);
        if (endsAtMs > Date.now()) return bytes;
        await client.send(new DeleteObjectCommand(place(key)), settings(signal));
        return undefined;
      } catch (error) {
        if (isMissing(error)) return undefined;
        throw error;
      }
    },

    put: async (key, bytes, { signal, ttlMs } = {}) => {
      const command = new PutObjectCommand({
        ...place(key),
        Body: bytes,
        ContentLength: bytes.length,
        ContentType: 'application/octet-stream',
        ...(key.startsWith('object/') && { CacheControl: 'public, max-age=31536000, immutable' }),
        ...(ttlMs !== undefined && { Metadata: { [expiryField]: String(Date.now() + ttlMs) } }),
      });
      await client.send(command, settings(signal));
    },

    delete: async (key, { signal } = {}) => {
      try {
        await client.send(new HeadObjectCommand(place(key)), settings(signal));
      } catch (error) {
        if (isMissing(error)) return false;
        throw error;
      }
      await client.send(new DeleteObjectCommand(place(key)), settings(signal));
      return true;
    },

    close: async () => client.destroy(),
  };
}

function isMissing(error: unknown): boolean {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404;
}

function tooLarge(key: TierKey, bytes: number): SnapshotError {
  return new SnapshotError(
    'archive_too_large',
    `Object ${key} in S3 has ${bytes} bytes, more than the tier reads. Raise "maximumBytes" if that is right.`,
  );
}
