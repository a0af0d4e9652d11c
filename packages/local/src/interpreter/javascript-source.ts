import { init, parse } from 'es-module-lexer';

/** The global function of the JavaScript kernel that stands for `import`, which evaluated code does not have. */
const importFunction = '__pilotlight_import__';

/**
 * Code as the JavaScript kernel can evaluate it: imports become calls with the same names declared, types are taken out,
 * lines stay where they were. Code that cannot be read is left alone, so that the engine itself says what is wrong.
 */
export async function evaluable(code: string, isTypeScript: boolean): Promise<string> {
  const plain = isTypeScript ? await withoutTypes(code) : code;
  if (!/\bimport\b/.test(plain)) {
    return plain;
  }
  await init;
  try {
    const [imports] = parse(plain);
    return [...imports].reverse().reduce(rewriteImport, plain);
  } catch {
    return plain;
  }
}

async function withoutTypes(code: string): Promise<string> {
  const { transform } = await import('sucrase');
  try {
    return transform(code, { transforms: ['typescript'], keepUnusedImports: true, disableESTransforms: true }).code;
  } catch {
    return code;
  }
}

interface ImportPlace {
  /** Start and end of the statement, or of the expression. */
  ss: number;
  se: number;
  /** Start and end of the module's name. */
  s: number;
  e: number;
  /** Start of a dynamic import, -1 for a static one, -2 for `import.meta`. */
  d: number;
}

function rewriteImport(code: string, place: ImportPlace): string {
  if (place.d >= 0) {
    const end = place.ss + 'import'.length;
    return code.slice(0, place.ss) + importFunction + code.slice(end);
  }
  if (place.d !== -1) {
    return code;
  }
  const statement = code.slice(place.ss, place.se);
  const clause = code
    .slice(place.ss + 'import'.length, place.s - 1)
    .replace(/\bfrom\s*$/, '')
    .trim();
  const call = `await ${importFunction}('${code.slice(place.s, place.e)}')`;
  const lines = '\n'.repeat(statement.split('\n').length - 1);
  return `${code.slice(0, place.ss)}${declaration(clause, call)}${lines}${code.slice(place.se)}`;
}

/** `a`, `* as a`, `{ a as b }` and their combinations. */
function declaration(clause: string, call: string): string {
  if (clause === '') {
    return call;
  }
  const braces = /\{([^}]*)\}/.exec(clause);
  const names = (braces?.[1] ?? '')
    .split(',')
    .map((name) => name.trim().replace(/\s+as\s+/, ': '))
    .filter((name) => name !== '');
  const whole = /\*\s*as\s+([\p{ID_Continue}$]+)/u.exec(clause)?.[1];
  const main = /^([\p{ID_Continue}$]+)/u.exec(clause)?.[1];
  if (main !== undefined) {
    names.unshift(`default: ${main}`);
  }
  if (whole === undefined) {
    return `const { ${names.join(', ')} } = ${call}`;
  }
  return main === undefined ? `const ${whole} = ${call}` : `const ${whole} = ${call}, { default: ${main} } = ${whole}`;
}
