import { commandRules, fileRules, type Language, type Rule, sourceRules } from './rules.js';

/** What a runtime is chosen by. At least one of them; the more, the surer. */
export interface DetectRequest {
  /** Source text to be run. */
  source?: string;
  /** Command line to be run. */
  command?: string;
  /** Paths of the files at hand. */
  files?: readonly string[];
  /** Runtime for each language. A language without one is left out. */
  runtimes: Partial<Record<Language, string>>;
}

/** The runtime that fits best, and why. */
export interface DetectedRuntime {
  readonly runtime: string;
  readonly language: Language;
  /** In [0, 1]: how far the reasons for it outweigh those for anything else. */
  readonly confidence: number;
  /** Sentences, the weightiest first. */
  readonly reasons: readonly string[];
  /** The others that something speaks for, best first. */
  readonly others: readonly { readonly runtime: string; readonly language: Language; readonly score: number }[];
}

/** What is near the root says more about a project than what lies deep in it. */
const depthFactor = 0.85;
/** Folders of other people's code. */
const foreign = /(^|\/)(node_modules|vendor|target|dist|build|\.git|\.venv|venv|__pycache__|site-packages)\//;

/**
 * Chooses a runtime for what is to be run. A command says most, then the files, then the source text.
 *
 * @returns undefined when nothing speaks for any of the runtimes
 *
 * @example
 * ```ts
 * detectRuntime({ command: 'cargo test', runtimes: { rust: 'rust-stable', typescript: 'node-typescript' } })?.runtime; // 'rust-stable'
 * ```
 */
export function detectRuntime(request: DetectRequest): DetectedRuntime | undefined {
  const { runtimes } = request;
  const found = [...fromCommand(request.command), ...fromFiles(request.files ?? []), ...fromSource(request.source)];
  const doubts = new Map<Language, number>();
  for (const { language, weight } of found) doubts.set(language, (doubts.get(language) ?? 1) * (1 - weight));
  const scores = new Map([...doubts].map(([language, doubt]) => [language, 1 - doubt]));
  preferTypeScript(scores);
  const ranked = [...scores].flatMap(([language, score]) => {
    const runtime = runtimes[language] ?? standIn(language, runtimes);
    return runtime === undefined ? [] : [{ runtime, language, score }];
  });
  ranked.sort((first, second) => second.score - first.score);
  const [best, ...others] = ranked;
  if (!best) return undefined;
  const rival = others.find((other) => other.runtime !== best.runtime)?.score ?? 0;
  return {
    runtime: best.runtime,
    language: best.language,
    confidence: Math.round(best.score * (1 - rival / (rival + best.score)) * (rival === 0 ? 1 : 1.2) * 100) / 100,
    reasons: reasonsFor(best.language, found),
    others,
  };
}

function fromCommand(command: string | undefined): Rule[] {
  if (command === undefined) return [];
  return command.split(/&&|\|\||;|\|/).flatMap((part, index) => {
    const bare = part.trim().replace(/^((sudo|time|nohup|exec|env|timeout\s+\S+)\s+|\w+=\S*\s+|cd\s+\S+$)*/, '');
    const rule = commandRules.find((candidate) => candidate.command.test(bare));
    return rule ? [{ ...rule, weight: rule.weight * depthFactor ** index }] : [];
  });
}

function fromFiles(files: readonly string[]): Rule[] {
  const best = new Map<string, Rule>();
  for (const path of files) {
    if (foreign.test(path)) continue;
    const depth = path.replace(/^\.?\//, '').split('/').length - 1;
    for (const rule of fileRules) {
      if (!rule.file.test(path)) continue;
      const weight = rule.weight * depthFactor ** depth;
      if ((best.get(rule.because)?.weight ?? 0) < weight) best.set(rule.because, { ...rule, weight });
    }
  }
  return [...best.values()];
}

function fromSource(source: string | undefined): Rule[] {
  return source === undefined ? [] : sourceRules.filter((rule) => rule.source.test(source));
}

/** A TypeScript project is a JavaScript project too, and what speaks for the one speaks for the other. */
function preferTypeScript(scores: Map<Language, number>): void {
  const typescript = scores.get('typescript');
  const javascript = scores.get('javascript');
  if (typescript === undefined || javascript === undefined || typescript < 0.5) return;
  scores.set('typescript', 1 - (1 - typescript) * (1 - javascript));
  scores.set('javascript', javascript * (1 - typescript));
}

/** JavaScript runs where TypeScript does, and the other way round as well as it can. */
function standIn(language: Language, runtimes: DetectRequest['runtimes']): string | undefined {
  if (language === 'javascript') return runtimes.typescript;
  return language === 'typescript' ? runtimes.javascript : undefined;
}

function reasonsFor(language: Language, found: readonly Rule[]): string[] {
  return found
    .filter((rule) => rule.language === language)
    .sort((first, second) => second.weight - first.weight)
    .map((rule) => rule.because);
}
