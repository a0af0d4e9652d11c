import type { DurationBook } from '../claim/durations.js';
import type { WayPiece } from '../claim/progress.js';
import type { WarmingPhase } from '../claim.js';
import { probeNode } from './execute.js';
import { labelOf, type WarmUpNode } from './nodes.js';

/** How a sandbox is come by. */
export type Origin = 'affinity' | 'hot' | 'cold' | 'linked' | 'parked' | 'generic' | 'adopted';

/** Name of the piece that stands for coming by a sandbox, before any warm-up. */
export function originPiece(origin: Origin): string {
  return `origin:${origin}`;
}

export const linkPiece = 'link-pack';
export const capturePiece = 'capture';
export const personalisePiece = 'personalise';

/** Guesses until there is a measurement, in milliseconds; E2B's own published figures where there are any. */
const guesses = {
  'origin:affinity': 1_000,
  'origin:hot': 1,
  'origin:cold': 500,
  'origin:linked': 500,
  'origin:parked': 1_000,
  'origin:generic': 10,
  'origin:adopted': 200,
  command: 5_000,
  server: 100,
  files: 200,
  probe: 500,
  link: 100,
  capture: 2_000,
  personalise: 50,
} as const;

const originPhases: Record<Origin, WarmingPhase> = {
  affinity: 'resuming',
  hot: 'personalising',
  cold: 'creating',
  linked: 'restoring',
  parked: 'resuming',
  generic: 'warming',
  adopted: 'creating',
};

/** All pieces of the way to a hot sandbox, each after those it waits for. */
export function wayOf(request: {
  readonly origin: Origin;
  readonly nodes: readonly WarmUpNode[];
  readonly capture: boolean;
  /** Whether a pack is linked first. It stands for nodes that are not given. */
  readonly link: boolean;
  readonly specKey: string;
  readonly durations: DurationBook;
}): readonly WayPiece[] {
  const { origin, durations, specKey } = request;
  const expect = (name: string, guessMs: number) => durations.expect(durationKey(specKey, name), guessMs);
  const start = originPiece(origin);
  const pieces: WayPiece[] = [
    { name: start, phase: originPhases[origin], after: [], expected: expect(start, guesses[`origin:${origin}`]) },
  ];
  if (request.link) {
    pieces.push({ name: linkPiece, phase: 'warming', after: [start], expected: expect(linkPiece, guesses.link) });
  }
  const first = pieces.map((piece) => piece.name);
  const given = new Set(request.nodes.map((node) => node.name));
  // A restored or resumed sandbox has its warm-up behind it; pieces it turns out to lack are not foreseen.
  const nodes = origin === 'cold' || origin === 'generic' ? request.nodes : [];
  for (const node of nodes) {
    pieces.push({
      name: node.name,
      phase: 'warming',
      step: labelOf(node),
      after: [...first, ...node.after.filter((name) => given.has(name))],
      expected: expect(node.name, guesses[node.kind]),
    });
  }
  const add = (name: string, phase: WarmingPhase, guessMs: number) =>
    pieces.push({ name, phase, after: pieces.map((piece) => piece.name), expected: expect(name, guessMs) });
  if (origin !== 'hot') add(probeNode, 'probing', guesses.probe);
  if (request.capture) add(capturePiece, 'probing', guesses.capture);
  add(personalisePiece, 'personalising', guesses.personalise);
  return pieces;
}

export function durationKey(specKey: string, piece: string): string {
  return `${specKey} ${piece}`;
}
