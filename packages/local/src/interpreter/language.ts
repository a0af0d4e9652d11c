/** Languages that code can be run in here. TypeScript runs in a context of JavaScript after its types were taken out. */
export const languages = ['python', 'javascript', 'typescript', 'bash'] as const;

export type Language = (typeof languages)[number];

const shortNames: Readonly<Record<string, Language>> = { js: 'javascript', ts: 'typescript', sh: 'bash' };

/** Undefined for a language that this host does not run. */
export function languageOf(name: string | null | undefined): Language | undefined {
  const plain = (name ?? '').trim().toLowerCase() || 'python';
  return shortNames[plain] ?? languages.find((language) => language === plain);
}
