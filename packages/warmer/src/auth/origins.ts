const loopback = new Set(['localhost', '127.0.0.1', '[::1]']);

/** True for an address that only this machine can reach. */
export function isLoopbackAddress(address: string | undefined): boolean {
  return address === '127.0.0.1' || address === '::1' || address === '::ffff:127.0.0.1';
}

/** True when a `Host` header names this machine itself: anything else is DNS rebinding when we listen on loopback only. */
export function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined) return false;
  return loopback.has(host.replace(/:\d+$/, '').toLowerCase());
}

/**
 * Whether a browser page of this origin may speak to the service.
 *
 * A request without `Origin` is no browser page of another site. The dashboard's own origin equals the host asked for.
 */
export function originAllowed(
  origin: string | undefined,
  host: string | undefined,
  allowed: readonly string[],
): boolean {
  if (origin === undefined) return true;
  if (allowed.includes(origin)) return true;
  try {
    return host !== undefined && new URL(origin).host === host.toLowerCase();
  } catch {
    return false;
  }
}
