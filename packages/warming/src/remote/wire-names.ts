/** WebSocket subprotocol of events and terminals. */
export const wireSubprotocol = 'pilotlight.v1';
/** A second subprotocol `bearer.<token>` carries the token where a browser cannot set a header. */
export const wireBearerPrefix = 'bearer.';
