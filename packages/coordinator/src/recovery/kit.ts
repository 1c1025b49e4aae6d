/** The recovery kit: the network's root as people keep it, in a file, on paper, or as words. */
import { createHash } from 'node:crypto';
import { decodeBase64, encodeBase32, encodeBase64, formatNetworkId, networkId, signKeyOf } from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';
import { formatWords, parseWords } from './words.ts';

export interface RecoveryKit {
  /** As text. */
  readonly networkId: string;
  /** The seed of the root's Ed25519 key, 32 bytes. Its owner zeroes it. */
  readonly root: Uint8Array;
}

export function kitOf(root: Uint8Array): RecoveryKit {
  return { networkId: formatNetworkId(networkId(signKeyOf(root))), root };
}

const HEAD = 'pcloud-recovery-kit 1';
const ANY_HEAD = /^pcloud-recovery-kit (\d{1,4})$/;

/** A kit as a file: lines of a name and a value, behind what it is in words of people. */
export function formatKitFile(kit: RecoveryKit): string {
  const body = `${HEAD}\nnetwork ${kit.networkId}\nroot ${encodeBase64(kit.root)}\n`;
  return `# The root of a network: whoever has it decides which servers are the network's.
# Keep it where no machine that is online reaches it.
${body}check ${checksum(body)}\n`;
}

/**
 * Reads a kit: the file, or its words.
 * @throws CoordinatorError KIT_INVALID that says what is wrong, and nothing of what is right
 */
export function parseKit(text: string): RecoveryKit {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
  const version = ANY_HEAD.exec(lines[0] ?? '')?.[1];
  if (version === undefined) return kitOf(parseWords(lines.join(' ')));
  if (version !== '1') throw invalid(`its version ${version} is newer than this program; update it`);
  const [network, root, check] = ['network', 'root', 'check'].map((name, at) => fieldOf(lines[at + 1], name));
  if (lines.length !== 4 || checksum(`${lines.slice(0, 3).join('\n')}\n`) !== check) {
    throw invalid('it was cut short or altered');
  }
  const key = decodeBase64(root!, 32);
  if (key === undefined || kitOf(key).networkId !== network) throw invalid('its root is not that of its network');
  return kitOf(key);
}

function fieldOf(line: string | undefined, name: string): string {
  const [found, value] = (line ?? '').split(' ');
  if (found !== name || value === undefined) throw invalid(`expected a line "${name} ..."`);
  return value;
}

function checksum(body: string): string {
  const hash = createHash('blake2s256').update(`pcloud/recovery-kit/1\0${body}`).digest();
  return encodeBase32(hash.subarray(0, 15));
}

function invalid(why: string): CoordinatorError {
  return new CoordinatorError('KIT_INVALID', `recovery kit: ${why}`);
}

/** A kit on a page of plain text, at most 72 columns wide. @param wallMs of the day that it bears */
export function formatKitPage({ networkId, root }: RecoveryKit, wallMs: number): string {
  const words = formatWords(root).split(' ');
  const rows = Array.from({ length: 6 }, (_, row) =>
    [0, 6, 12, 18]
      .map((column) => `${String(column + row + 1).padStart(4)}  ${words[column + row]!.padEnd(9)}`)
      .join('   ')
      .trimEnd(),
  );
  return `PCloud recovery kit, ${new Date(wallMs).toISOString().slice(0, 10)}

Network  ${networkId}

${rows.join('\n')}

These 24 words are the root of the network: whoever has them decides
which servers are the network's. They repair it after a server was
stolen or lost. Keep this page with papers of value, and no copy of it
on a machine that is online.

To prove that you have them, on the server: pcloud recovery confirm
`;
}
