import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../exit.ts';
import type { TarFile } from './tar.ts';

/** Contents of the key files below a state directory, those that may be read: as they are and as bytes. */
export function readSecrets(stateDir: string): Buffer[] {
  let names: string[];
  try {
    names = readdirSync(stateDir, { recursive: true }) as string[];
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.key') || name.endsWith('.pem'))
    .flatMap((name) => {
      try {
        const text = readFileSync(join(stateDir, name));
        return [
          Buffer.from(text.toString('latin1').trim(), 'latin1'),
          Buffer.from(text.toString('latin1').trim(), 'base64'),
        ];
      } catch {
        return [];
      }
    })
    .filter((secret) => secret.length >= 16);
}

/**
 * Looks for secrets in every form that a program might write them in.
 * @throws CliError naming the file, not the secret
 */
export function assertNoSecrets(files: readonly TarFile[], secrets: readonly Uint8Array[]): void {
  const forms = secrets.flatMap((secret) => {
    const bytes = Buffer.from(secret);
    return [
      bytes,
      ...(['base64', 'base64url', 'hex'] as const).map((encoding) => Buffer.from(bytes.toString(encoding))),
    ];
  });
  for (const { name, content } of files) {
    const bytes = Buffer.from(content);
    if (forms.some((form) => bytes.includes(form))) {
      throw new CliError('failed', `debug bundle: "${name}" would hold a private key; nothing was written`);
    }
  }
}
