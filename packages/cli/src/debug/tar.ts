/** Writes tar archives: POSIX.1-1988 "ustar" headers, regular files only. */

export interface TarFile {
  /** At most 100 characters. */
  readonly name: string;
  readonly content: Uint8Array;
}

const BLOCK = 512;

/** @param wallMs of the files, milliseconds since 1970 */
export function writeTar(files: readonly TarFile[], wallMs: number): Uint8Array {
  const blocks = files.flatMap(({ name, content }) => [header(name, content.length, wallMs), padded(content)]);
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)]);
}

function header(name: string, size: number, wallMs: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  if (block.write(name, 0, 100) !== Buffer.byteLength(name))
    throw new RangeError(`name: longer than 100 bytes: ${name}`);
  block.write(octal(0o600, 7), 100);
  block.write(octal(0, 7), 108);
  block.write(octal(0, 7), 116);
  block.write(octal(size, 11), 124);
  block.write(octal(Math.floor(wallMs / 1_000), 11), 136);
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\0', 257);
  block.write('00', 263);
  // The sum counts its own field as spaces.
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${octal(sum, 6)}\0 `, 148);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, '0');
}

function padded(content: Uint8Array): Buffer {
  const block = Buffer.alloc(Math.ceil(content.length / BLOCK) * BLOCK);
  block.set(content);
  return block;
}
