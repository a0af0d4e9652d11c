/** Keys of the metadata by which a sandbox is found again. Set at create; nobody can change them later. */
export const metadataKeys = {
  fleet: 'pilotlight.fleet',
  slot: 'pilotlight.slot',
  pool: 'pilotlight.pool',
  spec: 'pilotlight.spec',
} as const;

export function metadataOf(
  fleet: string,
  slot: { slotId: string; pool: string; specKey: string },
): Record<string, string> {
  return {
    [metadataKeys.fleet]: fleet,
    [metadataKeys.slot]: slot.slotId,
    [metadataKeys.pool]: slot.pool,
    [metadataKeys.spec]: slot.specKey,
  };
}

/** The slot a sandbox was made for; undefined when it is not of this fleet, whatever the provider says. */
export function slotIdOf(fleet: string, metadata: Readonly<Record<string, string>>): string | undefined {
  return metadata[metadataKeys.fleet] === fleet ? metadata[metadataKeys.slot] : undefined;
}
