import { evaluable } from './javascript-source.js';
import type { Language } from './language.js';

/** The line that makes a kernel of this language run the code, with these variables for this time only. */
export async function runRequest(
  language: Language,
  code: string,
  envs: Readonly<Record<string, string>>,
): Promise<string> {
  switch (language) {
    case 'python':
      return JSON.stringify({ op: 'run', code, envs });
    case 'javascript':
    case 'typescript':
      return JSON.stringify({ op: 'run', code: await evaluable(code, language === 'typescript'), envs });
    case 'bash':
      return Buffer.from(bashCode(code, envs)).toString('base64');
    default:
      return language satisfies never;
  }
}

/** Undefined where code can only be stopped together with its kernel. */
export function interruptRequest(language: Language): string | undefined {
  return language === 'bash' ? undefined : JSON.stringify({ op: 'interrupt' });
}

function bashCode(code: string, envs: Readonly<Record<string, string>>): string {
  const names = Object.keys(envs).filter((name) => /^[A-Za-z_]\w*$/.test(name));
  if (names.length === 0) {
    return code;
  }
  const saved = names.map((name) => `__pilotlight_old_${name}=\${${name}-} __pilotlight_had_${name}=\${${name}+1}`);
  const set = names.map((name) => `export ${name}=${quoted(envs[name] ?? '')}`);
  const restored = names.map(
    (name) =>
      `if [ -n "$__pilotlight_had_${name}" ]; then export ${name}="$__pilotlight_old_${name}"; else unset ${name}; fi`,
  );
  const body = `eval ${quoted(code)}\n__pilotlight_result=$?`;
  return [...saved, ...set, body, ...restored, '(exit $__pilotlight_result)'].join('\n');
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
