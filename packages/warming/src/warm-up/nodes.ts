import type { Runtime } from '../runtime.js';
import { hash } from '../spec-key.js';
import { quote } from './shell.js';

/** One piece of a warm-up. */
export type WarmUpNode =
  | {
      readonly kind: 'files';
      readonly name: string;
      readonly after: readonly string[];
      readonly hash: string;
      readonly files: Readonly<Record<string, string>>;
    }
  | {
      readonly kind: 'command' | 'server';
      readonly name: string;
      readonly after: readonly string[];
      /** Equal if and only if the step, and all that came before it, is the same. */
      readonly hash: string;
      readonly run: string;
      readonly cwd: string | undefined;
      readonly env: Readonly<Record<string, string>>;
      readonly timeoutMs: number;
    };

/** Time that the packages of one manager may take. */
const packagesTimeoutMs = 600_000;

/** The warm-up of a runtime: packages, then files, then steps; within each what does not depend on another side by side. */
export function warmUpNodes(runtime: Runtime): readonly WarmUpNode[] {
  const nodes: WarmUpNode[] = [];
  const hashes = new Map<string, string>();
  const add = (node: UnhashedNode) => {
    const inputs = [runtime.template, node, node.after.map((name) => hashes.get(name))];
    const complete = { ...node, hash: hash(inputs).slice(0, 32) };
    hashes.set(node.name, complete.hash);
    nodes.push(complete);
  };
  for (const node of packageNodes(runtime)) add(node);
  if (Object.keys(runtime.files).length > 0) {
    add({ kind: 'files', name: 'files', after: nodes.map((node) => node.name), files: runtime.files });
  }
  const first = nodes.map((node) => node.name);
  runtime.steps.forEach((step, index) => {
    const previous = runtime.steps[index - 1]?.name;
    const after = step.after ?? (previous === undefined ? [] : [previous]);
    add({
      kind: step.background ? 'server' : 'command',
      name: stepNode(step.name),
      after: [...first, ...after.map(stepNode)],
      run: step.run,
      cwd: step.cwd,
      env: step.env,
      timeoutMs: step.timeoutMs,
    });
  });
  return nodes;
}

/** Name of a step as a person reads it. */
export function labelOf(node: WarmUpNode): string {
  return node.name.replace(/^step:/, '');
}

type UnhashedNode = WarmUpNode extends infer Node ? (Node extends WarmUpNode ? Omit<Node, 'hash'> : never) : never;

function stepNode(name: string): string {
  return `step:${name}`;
}

function packageNodes(runtime: Runtime): UnhashedNode[] {
  const words = (names: readonly string[]) => names.map(quote).join(' ');
  const { npm, pip } = runtime.packages;
  const common = { kind: 'command', after: [], cwd: undefined, timeoutMs: packagesTimeoutMs } as const;
  const nodes: UnhashedNode[] = [];
  if (npm.length > 0) {
    nodes.push({
      ...common,
      name: 'packages-npm',
      run: `npm install --no-audit --no-fund --no-progress ${words(npm)}`,
      env: {},
    });
  }
  if (pip.length > 0) {
    nodes.push({
      ...common,
      name: 'packages-pip',
      run: `python3 -m pip install --quiet --disable-pip-version-check ${words(pip)}`,
      // A sandbox is nobody's distribution to protect; older versions of pip do not know the variable.
      env: { PIP_BREAK_SYSTEM_PACKAGES: '1' },
    });
  }
  return nodes;
}
