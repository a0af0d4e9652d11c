import { FIXED_INPUTS } from './fixed-inputs.js';
import { KNOT_COUNT, MOVING_INPUTS } from './outlook.js';

/** Shape of the network that all runtimes share. */
export const NETWORK_SHAPE = { fixed: FIXED_INPUTS, hidden: 16, knots: KNOT_COUNT, moving: MOVING_INPUTS };
