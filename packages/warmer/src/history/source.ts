import { z } from 'zod';

/** The engine's sources, as a stored history may name them. */
export const claimSource = z.enum(['hot', 'affinity', 'generic', 'parked', 'linked', 'cold']);
