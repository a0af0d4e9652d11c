/** What is known of a runtime when it is decided whether a generic template should carry its content. */
export interface BundleCandidate {
  readonly runtime: string;
  readonly template: string;
  /** Claims per hour, by measurement or forecast. */
  readonly claimsPerHour: number;
  /** Time a claim saves when the content is in the template already, in seconds. */
  readonly savedSeconds: number;
  /** Size of the content. */
  readonly mebibytes: number;
}

export interface BundleDecision {
  readonly template: string;
  /** Runtimes whose content belongs into the template, the most useful first. */
  readonly bundled: readonly string[];
  /** One sentence per runtime. */
  readonly reasons: readonly string[];
}

/**
 * Decides which runtimes share a generic template. Each is taken by what it saves per mebibyte until the room is used up; one
 * that is hardly asked for stays out, for every generic sandbox pays for its bytes.
 *
 * @param limits `room`: mebibytes a template may carry beyond its base; template data are loaded lazily, so that bytes nobody
 * reads cost disk rather than time. `leastSavedSecondsPerHour`: what a runtime has to save to be worth the upkeep of its part
 * of the template
 */
export function chooseBundles(
  candidates: readonly BundleCandidate[],
  { room = 2_048, leastSavedSecondsPerHour = 1 }: { room?: number; leastSavedSecondsPerHour?: number } = {},
): readonly BundleDecision[] {
  const templates = new Map<string, BundleCandidate[]>();
  for (const candidate of candidates)
    templates.set(candidate.template, [...(templates.get(candidate.template) ?? []), candidate]);
  return [...templates].map(([template, members]) => {
    const bundled: string[] = [];
    const reasons: string[] = [];
    let left = room;
    const perMebibyte = (candidate: BundleCandidate) => worth(candidate) / Math.max(1, candidate.mebibytes);
    for (const member of members.toSorted((first, second) => perMebibyte(second) - perMebibyte(first))) {
      const saved = worth(member);
      const what = `${member.runtime}: ${saved.toFixed(1)} s saved per hour for ${member.mebibytes} MiB`;
      if (saved < leastSavedSecondsPerHour) reasons.push(`${what}, left out: too rarely asked for`);
      else if (member.mebibytes > left) reasons.push(`${what}, left out: only ${left} MiB of room left`);
      else {
        left -= member.mebibytes;
        bundled.push(member.runtime);
        reasons.push(`${what}, bundled`);
      }
    }
    return { template, bundled, reasons };
  });
}

function worth({ claimsPerHour, savedSeconds }: BundleCandidate): number {
  return claimsPerHour * savedSeconds;
}
