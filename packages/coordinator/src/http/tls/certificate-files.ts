/** A certificate of the operator's own, whose files somebody else renews. */
import { readFileSync } from 'node:fs';
import { CoordinatorError } from '../../errors.ts';
import { type Certificate, type CertificateSource, checkCertificate } from './certificate.ts';
import type { SelfSignedDeps } from './self-signed.ts';

export interface CertificateFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Not by inotify: the files are often links that are swapped, or on a mount that tells nothing. */
const CHECK_MS = 10_000;

/**
 * Reads the files, and again whenever they change. Those that cannot be used are named in the log, and the ones
 * before stay.
 * @throws CoordinatorError CERTIFICATE_INVALID
 */
export function openCertificateFiles(
  files: CertificateFiles,
  { log, setTimer, now }: SelfSignedDeps,
): CertificateSource {
  let current = readCertificateFiles(files, now());
  let refused = '';
  let onChange: (certificate: Certificate) => void = () => {};
  let cancelTimer = setTimer(check, CHECK_MS);

  function check(): void {
    cancelTimer = setTimer(check, CHECK_MS);
    try {
      const read = readCertificateFiles(files, now());
      refused = '';
      if (read.chain === current.chain && read.key === current.key) return;
      current = read;
      onChange(current);
    } catch (error) {
      const { message } = error as Error;
      // The two are replaced one after the other, so what does not fit now may fit at the next look.
      if (message !== refused) log.error({ fault: message }, 'the certificate files are refused; the last ones stay');
      refused = message;
    }
  }

  return {
    get current() {
      return current;
    },
    isTrusted: true,
    watch(callback) {
      onChange = callback;
    },
    close: () => cancelTimer(),
  };
}

/** @throws CoordinatorError CERTIFICATE_INVALID, that names the file */
export function readCertificateFiles(files: CertificateFiles, now: number): Certificate {
  const chain = read('certificate', files.certificate);
  const key = read('key', files.key);
  let untilMs: number;
  try {
    ({ untilMs } = checkCertificate({ chain, key }));
  } catch (error) {
    const { message } = error as Error;
    throw refuse(message.startsWith('key') ? 'key' : 'certificate', message.replace(/^\w+: /, ''), files, error);
  }
  if (now >= untilMs) throw refuse('certificate', `it ended on ${new Date(untilMs).toISOString()}`, files);
  return { chain, key };

  function read(what: keyof CertificateFiles, path: string): string {
    try {
      return readFileSync(path, 'latin1');
    } catch (error) {
      throw refuse(what, (error as NodeJS.ErrnoException).code ?? 'it cannot be read', files, error);
    }
  }
}

function refuse(what: keyof CertificateFiles, why: string, files: CertificateFiles, cause?: unknown): CoordinatorError {
  return new CoordinatorError('CERTIFICATE_INVALID', `${what} file "${files[what]}": ${why}`, { cause });
}
