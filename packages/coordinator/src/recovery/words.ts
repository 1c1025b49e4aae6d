/** 32 bytes as 24 words of English, the last with a checksum: BIP-39. */
import { entropyToMnemonic, mnemonicToEntropy } from '@scure/bip39';
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { CoordinatorError } from '../errors.ts';

const COUNT = 24;

/** @param bytes 32 */
export function formatWords(bytes: Uint8Array): string {
  return entropyToMnemonic(bytes, wordlist);
}

/**
 * White space, case and numbers before the words do not count, so that a page can be typed as it is.
 * @throws CoordinatorError KIT_INVALID
 */
export function parseWords(text: string): Uint8Array {
  const words = text
    .toLowerCase()
    .split(/[^a-z]+/)
    .filter((word) => word !== '');
  if (words.length !== COUNT) throw invalid(`expected its file or ${COUNT} words, got ${words.length}`);
  const unknown = words.findIndex((word) => !wordlist.includes(word));
  if (unknown >= 0) throw invalid(`word ${unknown + 1} is none of the list; look at its letters again`);
  try {
    return mnemonicToEntropy(words.join(' '), wordlist);
  } catch {
    // The library's own words would tell the ones that were given.
    throw invalid('the words do not belong together: one is another, or two changed places');
  }
}

function invalid(why: string): CoordinatorError {
  return new CoordinatorError('KIT_INVALID', `recovery kit: ${why}`);
}
