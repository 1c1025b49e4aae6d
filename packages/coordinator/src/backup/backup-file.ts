/** A backup as a file: lines of a name and a value, the last a checksum of those before. */
import { createHash } from 'node:crypto';
import { decodeBase64, encodeBase32, encodeBase64 } from '@pcloud/netmap';
import { CoordinatorError } from '../errors.ts';

export interface BackupFile {
  /** Whose it is, as text. */
  readonly networkId: string;
  /** ISO 8601. */
  readonly made: string;
  /** What wrote it: `pcloud 0.1.0`. */
  readonly program: string;
  /** The public key with which the body is sealed to the root; undefined where it is not. */
  readonly once: Uint8Array | undefined;
  readonly body: Uint8Array;
}

const HEAD = 'pcloud-backup 1';
const ANY_HEAD = /^pcloud-backup (\d{1,4})$/;
const NAMES = ['network', 'made', 'program', 'sealed', 'body'] as const;

/** What is before the body: sealing holds it to be the same. */
export function backupHead({ networkId, made, program }: Pick<BackupFile, 'networkId' | 'made' | 'program'>): string {
  return `${HEAD}\nnetwork ${networkId}\nmade ${made}\nprogram ${program}\n`;
}

export function formatBackupFile(file: BackupFile): string {
  const sealed = file.once === undefined ? 'no' : encodeBase64(file.once);
  const text = `${backupHead(file)}sealed ${sealed}\nbody ${encodeBase64(file.body)}\n`;
  return `${text}check ${checksum(text)}\n`;
}

/** @throws CoordinatorError BACKUP_INVALID that says what is wrong with it */
export function parseBackupFile(text: string): BackupFile {
  const version = ANY_HEAD.exec(text.slice(0, text.indexOf('\n')).trim())?.[1];
  if (version === undefined) throw invalid('it is none');
  if (version !== '1') throw invalid(`its version ${version} is newer than this program; update it`);
  const lines = text.replaceAll('\r\n', '\n').trimEnd().split('\n');
  const body = `${lines.slice(0, -1).join('\n')}\n`;
  if (lines.at(-1) !== `check ${checksum(body)}`) throw invalid('it was cut short or altered');
  const [networkId, made, program, sealed, packed] = NAMES.map((name, at) => fieldOf(lines[at + 1], name));
  const bytes = decodeBase64(packed!);
  const once = sealed === 'no' ? undefined : decodeBase64(sealed!, 32);
  if (bytes === undefined || (sealed !== 'no' && once === undefined)) throw invalid('it cannot be read');
  return { networkId: networkId!, made: made!, program: program!, once, body: bytes };
}

function fieldOf(line: string | undefined, name: string): string {
  if (line?.startsWith(`${name} `)) return line.slice(name.length + 1);
  throw invalid(`expected a line "${name} ..."`);
}

function checksum(text: string): string {
  return encodeBase32(createHash('blake2s256').update(`pcloud/backup/1\0${text}`).digest().subarray(0, 15));
}

function invalid(why: string): CoordinatorError {
  return new CoordinatorError('BACKUP_INVALID', `backup: ${why}`);
}
