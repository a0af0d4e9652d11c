import { BlockList, isIP } from 'node:net';
import type { NetworkSettings } from '../sandbox/settings.js';

/** The machine itself and its neighbours on the link: never reachable from a sandbox unless allowed by name. */
const ownAddresses = new BlockList();
ownAddresses.addSubnet('127.0.0.0', 8, 'ipv4');
ownAddresses.addSubnet('0.0.0.0', 8, 'ipv4');
ownAddresses.addSubnet('169.254.0.0', 16, 'ipv4');
ownAddresses.addAddress('::1', 'ipv6');
ownAddresses.addAddress('::', 'ipv6');
ownAddresses.addSubnet('fe80::', 10, 'ipv6');

export interface EgressTarget {
  host: string;
  /** What the name stands for now. */
  address: string;
}

/** Whether a sandbox with these settings may connect to the target. What is allowed by name wins over what is denied. */
export function mayConnect(
  settings: { allowInternetAccess: boolean | undefined; network: NetworkSettings | undefined },
  target: EgressTarget,
): boolean {
  const { allowOut = [], denyOut = [] } = settings.network ?? {};
  if (contains(ownAddresses, target.address)) {
    return false;
  }
  if (allowOut.some((rule) => matches(rule, target))) {
    return true;
  }
  if (settings.allowInternetAccess === false) {
    return false;
  }
  return !denyOut.some((rule) => matches(rule, target));
}

/** A rule is an address, a network as `address/bits`, a domain, or `*.` and a domain. */
export function matches(rule: string, target: EgressTarget): boolean {
  const [base = '', bits] = rule.split('/');
  const family = isIP(base);
  if (family !== 0) {
    const list = new BlockList();
    const kind = family === 4 ? 'ipv4' : 'ipv6';
    const width = bits === undefined ? (family === 4 ? 32 : 128) : Number(bits);
    if (!Number.isInteger(width) || width < 0 || width > (family === 4 ? 32 : 128)) {
      return false;
    }
    // A network of all addresses means both families: "deny everything" is written as 0.0.0.0/0.
    if (width === 0) {
      return true;
    }
    list.addSubnet(base, width, kind);
    return contains(list, target.address);
  }
  const name = rule.toLowerCase();
  const host = target.host.toLowerCase();
  return name === '*' || name === host || (name.startsWith('*.') && host.endsWith(name.slice(1)));
}

function contains(list: BlockList, address: string): boolean {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  const plain = mapped ?? address;
  const family = isIP(plain);
  return family !== 0 && list.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}
