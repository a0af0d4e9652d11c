/**
 * The text, or its beginning and end with a mark between them that says how much is left out. The end weighs more: that is
 * where commands say what went wrong.
 */
export function truncated(text: string, longestChars: number): string {
  if (text.length <= longestChars) return text;
  const head = Math.floor(longestChars / 3);
  const tail = longestChars - head;
  const left = text.slice(0, head).replace(/[\uD800-\uDBFF]$/, '');
  const right = text.slice(text.length - tail).replace(/^[\uDC00-\uDFFF]/, '');
  return `${left}\n[… ${text.length - left.length - right.length} characters left out …]\n${right}`;
}
