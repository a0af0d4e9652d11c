/** How many tokens a text costs a model. */
export type TokenCounter = (text: string) => number;

/**
 * UTF-8 bytes divided by 3.5, rounded up: errs on the high side for English and code with the usual tokenizers, and
 * does not undercount scripts whose characters are several tokens each.
 */
export const estimateTokens: TokenCounter = (text) => Math.ceil(Buffer.byteLength(text, 'utf8') / 3.5);
