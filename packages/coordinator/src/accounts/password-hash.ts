import { scrypt, timingSafeEqual } from 'node:crypto';
import { decodeBase64, encodeBase64 } from '@pcloud/netmap';
import * as v from 'valibot';
import { CoordinatorError } from '../errors.ts';
import type { Random } from './secret.ts';

/** A password as the store keeps it: with its parameters, so that they can be raised later. RFC 7914. */
export interface PasswordRecord {
  readonly algorithm: 'scrypt';
  readonly n: number;
  readonly r: number;
  readonly p: number;
  /** Base64. */
  readonly salt: string;
  readonly hash: string;
}

export const passwordRecord: v.GenericSchema<unknown, PasswordRecord> = v.object({
  algorithm: v.literal('scrypt'),
  n: v.pipe(v.number(), v.integer()),
  r: v.pipe(v.number(), v.integer()),
  p: v.pipe(v.number(), v.integer()),
  salt: v.string(),
  hash: v.string(),
});

export interface PasswordHasher {
  /** @throws CoordinatorError PASSWORD_WEAK */
  hash(password: string): Promise<PasswordRecord>;
  /** Takes as long when there is no record: it verifies against one that no password fits. */
  verify(password: string, record: PasswordRecord | undefined): Promise<boolean>;
  /** Whether the record was made with other parameters than those of today. */
  isOutdated(record: PasswordRecord): boolean;
}

export interface ScryptCost {
  readonly n: number;
  readonly r: number;
  readonly p: number;
}

/** 32 MiB and a tenth of a second. */
export const SCRYPT_COST: ScryptCost = { n: 2 ** 15, r: 8, p: 1 };

const SALT_BYTES = 16;
const HASH_BYTES = 32;
const LEAST_LENGTH = 10;
const MOST_BYTES = 1_000;
/** At once: each takes memory and a thread. */
const MAX_RUNNING = 2;
const MAX_WAITING = 32;

/** @param cost lower than the default in tests of other things only */
export function createPasswordHasher(random: Random, cost: ScryptCost = SCRYPT_COST): PasswordHasher {
  const enter = createGate();
  const dummy: PasswordRecord = {
    algorithm: 'scrypt',
    ...cost,
    salt: randomText(SALT_BYTES),
    hash: randomText(HASH_BYTES),
  };

  function randomText(length: number): string {
    const bytes = new Uint8Array(length);
    random(bytes);
    return encodeBase64(bytes);
  }

  async function derive(password: string, salt: string, { n, r, p }: ScryptCost): Promise<Buffer> {
    const leave = await enter();
    try {
      return await new Promise((resolve, reject) => {
        const options = { N: n, r, p, maxmem: 256 * n * r };
        scrypt(password.normalize('NFKC'), decodeBase64(salt)!, HASH_BYTES, options, (error, key) =>
          error ? reject(error) : resolve(key),
        );
      });
    } finally {
      leave();
    }
  }

  return {
    async hash(password) {
      checkStrength(password);
      const salt = randomText(SALT_BYTES);
      const hash = encodeBase64(await derive(password, salt, cost));
      return { algorithm: 'scrypt', ...cost, salt, hash };
    },
    async verify(password, record) {
      const { salt, hash, ...parameters } = record ?? dummy;
      // Longer ones cannot have been set; hashing them would be work for nothing.
      const derived = await derive(password.slice(0, MOST_BYTES), salt, parameters);
      return timingSafeEqual(derived, decodeBase64(hash, HASH_BYTES)!) && record !== undefined && isShort(password);
    },
    isOutdated: ({ n, r, p }) => n !== cost.n || r !== cost.r || p !== cost.p,
  };
}

function checkStrength(password: string): void {
  if ([...password].length < LEAST_LENGTH) {
    throw new CoordinatorError('PASSWORD_WEAK', `password: expected ${LEAST_LENGTH} characters or more`);
  }
  if (!isShort(password)) {
    throw new CoordinatorError('PASSWORD_WEAK', `password: expected ${MOST_BYTES} bytes or fewer`);
  }
  if (new Set(password).size < 4) {
    throw new CoordinatorError('PASSWORD_WEAK', 'password: expected more than three different characters');
  }
}

function isShort(password: string): boolean {
  return Buffer.byteLength(password) <= MOST_BYTES;
}

/** Lets a few in at a time, and few wait. */
function createGate(): () => Promise<() => void> {
  const waiting: (() => void)[] = [];
  let running = 0;
  const leave = (): void => {
    const next = waiting.shift();
    if (next) next();
    else running -= 1;
  };
  return async () => {
    if (running < MAX_RUNNING) {
      running += 1;
      return leave;
    }
    if (waiting.length >= MAX_WAITING) {
      throw new CoordinatorError('RATE_LIMITED', 'too many sign-ins at once; try again', { retryAfterMs: 5_000 });
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
    return leave;
  };
}
