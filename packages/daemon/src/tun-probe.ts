import { writeSync } from 'node:fs';

/** What a TUN's descriptor tells of its interface, wherever that is. */
export type TunState = 'up' | 'down' | 'gone';

/**
 * Asks the descriptor by a write of nothing, which the kernel refuses with a different error for each state.
 * Netlink cannot tell of an interface that was moved to another network namespace; its descriptor can.
 */
export function probeTun(descriptor: number, write: (descriptor: number) => void = writeNothing): TunState {
  try {
    write(descriptor);
    return 'up';
  } catch (error) {
    switch ((error as NodeJS.ErrnoException).code) {
      case 'EIO':
        return 'down';
      case 'EBADF':
      case 'EBADFD':
        return 'gone';
      default:
        return 'up';
    }
  }
}

function writeNothing(descriptor: number): void {
  writeSync(descriptor, new Uint8Array(0));
}
