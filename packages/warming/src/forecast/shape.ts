import { FIXED_INPUTS, MOVING_INPUTS } from './features.js';

/** Shape of the network that all runtimes share. */
export const NETWORK_SHAPE = { fixed: FIXED_INPUTS, moving: MOVING_INPUTS, hidden: 16 };
