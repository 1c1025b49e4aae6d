/**
 * TAI64N timestamps of handshake initiations (whitepaper 5.1, 5.4.2; https://cr.yp.to/libtai/tai64.html):
 * a big-endian second count and nanoseconds, whitened so that they tell little of the clock.
 *
 * A peer takes only stamps greater than the last, for as long as it runs. So the clock here never gives a
 * lesser one, whatever the wall clock does and across restarts: stamps up to a bound are reserved on disk
 * before any of them is used, and the next run starts behind that bound.
 */
import { compareBytes } from './bytes.ts';
import { STAMP_BYTES } from './constants.ts';
import { WireGuardError } from './errors.ts';

/** Stamps are multiples of this many nanoseconds: the greatest power of two below 1/50 s. */
const UNIT_NANOS = 0x100_0000;
/** Units that begin within a second. */
const UNITS_PER_SECOND = Math.ceil(1e9 / UNIT_NANOS);
const TAI_HIGH = 0x4000_0000;
/** TAI was ten seconds ahead of UTC in 1970; leap seconds are left out. */
const TAI_OFFSET = 10;

/** 2020-01-01: a clock that says less was never set. */
const EARLIEST_WALL_MS = 1_577_836_800_000;
/** 2^32 seconds, in February 2106: a clock that says more is wrong. */
const LATEST_WALL_MS = 4_294_967_296_000;
/** How far ahead of the clock stamps are reserved. */
const RESERVE_SECONDS = 600;
/** How far ahead of the last stamp at least, where stamps are ahead of the clock. Short, or restarts would add up. */
const RESERVE_AHEAD_SECONDS = 10;
/** Further ahead of the clock than this is no reservation, and no clock that was set right. */
const FAR_AHEAD_SECONDS = 86_400;
const LATEST_SECONDS = 2 ** 40;

/** Less than every stamp of an initiation: 1970. */
export const NO_STAMP: Uint8Array = stampOf(0);

/** Gives stamps that only ever grow. */
export interface StampClock {
  /**
   * A whitened stamp of 12 bytes, greater than every one before, than `previous` and than what an earlier run
   * reserved: that of the wall clock, or one unit (16.8 ms) more than the last where the wall clock stands
   * still, went back or is implausible (before 2020 or after 2^32 seconds).
   *
   * With `reserve`, that bound must be on disk before the stamp is used; about once in ten minutes.
   * @param previous the last stamp that the same receiver was given, `NO_STAMP` for none: then only this one and
   * the earlier runs' count, so that many receivers at one instant do not push the stamps ahead of the clock
   */
  next(wallMs: number, previous?: Uint8Array): GivenStamp;
  /** The greatest stamp given, or reserved by an earlier run: all that must be kept once no more are given. */
  latest(): Uint8Array | undefined;
  /** Takes a bound of an earlier run, as the option does, while it runs: a lower one than known changes nothing. */
  reserve(stamp: Uint8Array): void;
}

export interface GivenStamp {
  readonly stamp: Uint8Array;
  readonly reserve?: Uint8Array;
  /** The stamp is more than a day ahead of the wall clock, which is wrong now or once was. */
  readonly isFarAhead: boolean;
}

export interface StampClockOptions {
  /** The bound that an earlier run reserved last, 12 bytes. */
  readonly reserved?: Uint8Array;
}

/** @throws WireGuardError INVALID_VALUE for a `reserved` (here or later) that is not a stamp */
export function createStampClock(options: StampClockOptions = {}): StampClock {
  // In units, which a Number counts exactly.
  let last = 0;
  let floor = 0;
  let bound = 0;

  const reserve = (stamp: Uint8Array): void => {
    const units = readUnits(stamp);
    floor = Math.max(floor, units);
    last = Math.max(last, units);
    bound = Math.max(bound, units);
  };
  if (options.reserved !== undefined) reserve(options.reserved);

  return {
    reserve,
    latest: () => (last === 0 ? undefined : stampOf(last)),
    next(wallMs, previous) {
      const wall = wallMs >= EARLIEST_WALL_MS && wallMs < LATEST_WALL_MS ? unitsOf(wallMs) : 0;
      const after = previous === undefined ? last : Math.max(floor, readUnits(previous));
      const units = Math.max(wall, after + 1);
      last = Math.max(last, units);

      const stamp = stampOf(units);
      const isFarAhead = units - unitsOf(wallMs) > FAR_AHEAD_SECONDS * UNITS_PER_SECOND;
      if (units <= bound) return { stamp, isFarAhead };
      bound =
        wall === 0
          ? units + RESERVE_SECONDS * UNITS_PER_SECOND
          : Math.max(wall + RESERVE_SECONDS * UNITS_PER_SECOND, units + RESERVE_AHEAD_SECONDS * UNITS_PER_SECOND);
      return { stamp, reserve: stampOf(bound), isFarAhead };
    },
  };
}

/**
 * Writes the whitened stamp of a wall clock: 12 bytes.
 * @param wallMs milliseconds since 1970, with fractions
 * @returns the offset behind it
 */
export function writeStamp(wallMs: number, out: Uint8Array, at: number): number {
  return writeUnits(unitsOf(wallMs), out, at);
}

/** Negative, zero or positive as `a` is earlier than, equal to or later than `b`. */
export function compareStamps(a: Uint8Array, b: Uint8Array): number {
  return compareBytes(a, b);
}

function unitsOf(wallMs: number): number {
  const seconds = Math.floor(wallMs / 1000);
  const nanos = Math.floor((wallMs - seconds * 1000) * 1e6);
  return seconds * UNITS_PER_SECOND + Math.floor(nanos / UNIT_NANOS);
}

function stampOf(units: number): Uint8Array {
  const stamp = new Uint8Array(STAMP_BYTES);
  writeUnits(units, stamp, 0);
  return stamp;
}

function writeUnits(units: number, out: Uint8Array, at: number): number {
  const seconds = Math.floor(units / UNITS_PER_SECOND);
  const tai = seconds + TAI_OFFSET;
  writeWord(TAI_HIGH + Math.floor(tai / 2 ** 32), out, at);
  writeWord(tai, out, at + 4);
  writeWord((units - seconds * UNITS_PER_SECOND) * UNIT_NANOS, out, at + 8);
  return at + STAMP_BYTES;
}

/** The first unit that is not before a stamp. */
function readUnits(stamp: Uint8Array): number {
  if (stamp.length !== STAMP_BYTES) {
    throw new WireGuardError('INVALID_VALUE', `stamp: expected ${STAMP_BYTES} bytes, got ${stamp.length}`);
  }
  const seconds = (readWord(stamp, 0) - TAI_HIGH) * 2 ** 32 + readWord(stamp, 4) - TAI_OFFSET;
  const nanos = readWord(stamp, 8);
  if (seconds < 0 || seconds > LATEST_SECONDS || nanos >= 1e9) {
    throw new WireGuardError('INVALID_VALUE', `stamp: expected TAI64N since 1970, got ${seconds} s and ${nanos} ns`);
  }
  return seconds * UNITS_PER_SECOND + Math.ceil(nanos / UNIT_NANOS);
}

function writeWord(value: number, out: Uint8Array, at: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}

function readWord(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}
