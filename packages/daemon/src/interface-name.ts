import { existsSync } from 'node:fs';
import { DaemonError } from './errors.ts';

/** IFNAMSIZ without its closing zero. */
const LONGEST_NAME_BYTES = 15;

/**
 * Checks a name as the kernel does, and that no interface other than a TUN has it.
 * @throws DaemonError BAD_INTERFACE_NAME, NOT_A_TUN
 */
export function checkInterfaceName(name: string, sysClassNet = '/sys/class/net'): void {
  const bytes = Buffer.byteLength(name);
  if (bytes === 0) throw new DaemonError('BAD_INTERFACE_NAME', 'interface name: expected 1 to 15 bytes, got none');
  if (bytes > LONGEST_NAME_BYTES) {
    throw new DaemonError('BAD_INTERFACE_NAME', `interface name "${name}": expected 1 to 15 bytes, got ${bytes}`);
  }
  if (name === '.' || name === '..' || /[/:\s%\0]/.test(name)) {
    throw new DaemonError('BAD_INTERFACE_NAME', `interface name "${name}": "/", ":", "%" and spaces are not allowed`);
  }
  if (existsSync(`${sysClassNet}/${name}`) && !existsSync(`${sysClassNet}/${name}/tun_flags`)) {
    throw new DaemonError('NOT_A_TUN', `interface "${name}" exists and is not a TUN; choose another name`);
  }
}

/**
 * The error of opening a TUN, in words that say what to do.
 * @param name the interface's name
 * @param error what the system said, with its `code`
 */
export function explainTunError(name: string, error: unknown): DaemonError {
  const cause = error instanceof Error ? error : new Error(String(error));
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  switch (code) {
    case 'EPERM':
    case 'EACCES':
      return new DaemonError('NOT_PERMITTED', `interface "${name}": not permitted; run as root or with CAP_NET_ADMIN`, {
        cause,
      });
    case 'EBUSY':
      return new DaemonError(
        'INTERFACE_BUSY',
        `interface "${name}" is in use by another process; stop it or choose another name`,
        { cause },
      );
    case 'ENOENT':
    case 'ENODEV':
    case 'ENXIO':
      return new DaemonError(
        'NO_TUN_DEVICE',
        `interface "${name}": no /dev/net/tun; load it with "modprobe tun", or give the container that device`,
        { cause },
      );
    case 'EINVAL':
      return new DaemonError('NOT_A_TUN', `interface "${name}" exists and is not a TUN; choose another name`, {
        cause,
      });
    default:
      return new DaemonError('TUN_FAILED', `interface "${name}": ${cause.message}`, { cause });
  }
}
