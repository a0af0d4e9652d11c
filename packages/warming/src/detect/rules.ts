/** A language family a runtime can be chosen for. */
export type Language = 'rust' | 'typescript' | 'javascript' | 'python' | 'go' | 'shell';

/** One thing that speaks for a language. */
export interface Rule {
  readonly language: Language;
  /** How much it says, from 0 (nothing) to 1 (certain). */
  readonly weight: number;
  readonly because: string;
}

/** File names that a project of the language has at its root, or anywhere. */
export const fileRules: readonly (Rule & { readonly file: RegExp })[] = [
  { language: 'rust', weight: 0.95, file: /(^|\/)Cargo\.toml$/, because: 'has a Cargo.toml' },
  { language: 'rust', weight: 0.5, file: /\.rs$/, because: 'has Rust sources' },
  { language: 'go', weight: 0.95, file: /(^|\/)go\.(mod|work)$/, because: 'has a go.mod' },
  { language: 'go', weight: 0.5, file: /\.go$/, because: 'has Go sources' },
  { language: 'typescript', weight: 0.9, file: /(^|\/)tsconfig(\.[\w-]+)?\.json$/, because: 'has a tsconfig.json' },
  { language: 'typescript', weight: 0.6, file: /\.[cm]?tsx?$/, because: 'has TypeScript sources' },
  { language: 'javascript', weight: 0.6, file: /(^|\/)package\.json$/, because: 'has a package.json' },
  { language: 'javascript', weight: 0.45, file: /\.[cm]?jsx?$/, because: 'has JavaScript sources' },
  {
    language: 'python',
    weight: 0.9,
    file: /(^|\/)(pyproject\.toml|setup\.py|requirements[\w-]*\.txt|Pipfile|uv\.lock|poetry\.lock)$/,
    because: 'has Python project files',
  },
  { language: 'python', weight: 0.5, file: /\.(py|ipynb)$/, because: 'has Python sources' },
  { language: 'shell', weight: 0.3, file: /\.(sh|bash|zsh)$/, because: 'has shell scripts' },
];

/** What the command line begins with, after variables and wrappers. */
export const commandRules: readonly (Rule & { readonly command: RegExp })[] = [
  { language: 'rust', weight: 0.97, command: /^(cargo|rustc|rustup)\b/, because: 'the command is of the Rust tools' },
  { language: 'go', weight: 0.97, command: /^(go|gofmt)\b/, because: 'the command is of the Go tools' },
  {
    language: 'typescript',
    weight: 0.95,
    command: /^((npx|pnpm|yarn|bunx?)\s+(exec\s+)?)?(tsc|tsx|ts-node|vitest)\b/,
    because: 'the command works on TypeScript',
  },
  {
    language: 'typescript',
    weight: 0.9,
    command: /^(node|deno|bun)\b.*\.[cm]?tsx?\b/,
    because: 'the command runs a TypeScript file',
  },
  {
    language: 'javascript',
    weight: 0.8,
    command: /^(node|npm|npx|pnpm|yarn|bun|bunx|deno)\b/,
    because: 'the command is of the JavaScript tools',
  },
  {
    language: 'python',
    weight: 0.97,
    command: /^(python[\d.]*|pip[\d.]*|pytest|uv|poetry|pipenv|ruff|mypy|jupyter)\b/,
    because: 'the command is of the Python tools',
  },
  {
    language: 'shell',
    weight: 0.6,
    command: /^(bash|sh|zsh|make|cat|ls|grep|find|sed|awk|curl|git)\b/,
    because: 'the command is of the shell',
  },
];

/** What the source text itself shows. */
export const sourceRules: readonly (Rule & { readonly source: RegExp })[] = [
  { language: 'python', weight: 0.95, source: /^#!.*\bpython/, because: 'the first line names Python' },
  { language: 'javascript', weight: 0.9, source: /^#!.*\bnode\b/, because: 'the first line names Node' },
  { language: 'shell', weight: 0.95, source: /^#!.*\b(ba|z|da)?sh\b/, because: 'the first line names a shell' },
  {
    language: 'rust',
    weight: 0.85,
    source:
      /^\s*(pub\s+)?fn\s+\w+\s*(<[^>]*>)?\([^)]*\)\s*(->\s*[^{]+)?\{|^\s*use\s+(std|crate|super)::|\blet\s+mut\s|\bprintln!\(/m,
    because: 'the source reads as Rust',
  },
  {
    language: 'go',
    weight: 0.9,
    source: /^package\s+\w+\s*$|^func\s+(\([^)]*\)\s*)?\w+\(/m,
    because: 'the source reads as Go',
  },
  {
    language: 'typescript',
    weight: 0.8,
    source:
      /^\s*(export\s+)?(interface|type|enum|declare|namespace)\s+\w+|:\s*(string|number|boolean|void|unknown|Promise<)\b|\bimport\s+type\b|\bas\s+const\b/m,
    because: 'the source has type annotations',
  },
  {
    language: 'javascript',
    weight: 0.6,
    source: /\b(const|let)\s+[\w{[]|=>\s*[{(\w]|\brequire\(|^\s*(import|export)\s.*from\s+['"]|console\.log\(/m,
    because: 'the source reads as JavaScript',
  },
  {
    language: 'python',
    weight: 0.85,
    source:
      /^\s*(async\s+)?def\s+\w+\(.*\).*:\s*$|^\s*from\s+[\w.]+\s+import\s|^import\s+\w+(\s+as\s+\w+)?\s*$|^\s*(if|for|while|with|class)\b.*:\s*$|\bprint\(/m,
    because: 'the source reads as Python',
  },
  {
    language: 'shell',
    weight: 0.5,
    source: /^\s*(echo|export|cd|mkdir|set\s+-[euxo]+)\b|\$\{?\w+\}?|\bfi\b|\bdone\b/m,
    because: 'the source reads as a shell script',
  },
];
