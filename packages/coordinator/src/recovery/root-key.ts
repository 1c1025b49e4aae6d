/** The network's root on disk: from the first start until somebody has it elsewhere. */
import { closeSync, existsSync, fstatSync, fsyncSync, openSync, readdirSync, unlinkSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createKeyFile, readKeyFile } from '../network/secret-file.ts';
import { readRecoveryRecord } from './record.ts';

const FILE = 'root.key';
/** Itself, and what an interrupted write left beside it. */
const REMAINS = /^root\.key(?:\.\d+)?$/;

export function isRootHere(stateDir: string): boolean {
  return existsSync(join(stateDir, FILE));
}

/** @throws CoordinatorError KEY_FILE_INVALID */
export function readRoot(stateDir: string): Uint8Array | undefined {
  return readKeyFile(join(stateDir, FILE));
}

/** The root that is there, or the one given. @throws CoordinatorError KEY_FILE_INVALID */
export function createRoot(stateDir: string, root: Uint8Array): Uint8Array {
  return createKeyFile(join(stateDir, FILE), root);
}

/** Of a network whose root somebody has elsewhere, ends what an interrupted `destroyRoot` began. */
export function endDestruction(stateDir: string, networkId: string): void {
  const record = readRecoveryRecord(stateDir);
  if (record?.networkId === networkId && record.confirmedAtMs !== undefined) destroyRoot(stateDir);
}

/**
 * Overwrites the root in place, has that on disk, and removes it. What a disk that copies on write or spreads its
 * wear keeps of it is beyond any program.
 */
export function destroyRoot(stateDir: string): void {
  for (const name of readdirSync(stateDir).filter((each) => REMAINS.test(each))) {
    const path = join(stateDir, name);
    withFile(path, 'r+', (file) => {
      writeSync(file, new Uint8Array(fstatSync(file).size), 0, undefined, 0);
      fsyncSync(file);
    });
    unlinkSync(path);
  }
  withFile(stateDir, 'r', fsyncSync);
}

function withFile(path: string, flags: string, use: (file: number) => void): void {
  const file = openSync(path, flags);
  try {
    use(file);
  } finally {
    closeSync(file);
  }
}
