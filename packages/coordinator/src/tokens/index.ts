/** Join tokens: secrets that let machines in. */
export { normalizeTags } from './tags.ts';
export type { TokenInfo } from './token-record.ts';
export { createTokens, type NewToken, type TokenRefusal, type Tokens } from './tokens.ts';
