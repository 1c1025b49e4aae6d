/** What a request may carry. */
import type { Context } from 'hono';
import { CoordinatorError } from '../errors.ts';
import type { HttpEnv } from './env.ts';

export const MAX_BODY_BYTES = 65_536;
const MAX_DEPTH = 16;

/** @throws CoordinatorError MEDIA_TYPE_UNSUPPORTED, BODY_TOO_LARGE, INPUT_INVALID */
export async function readJson(c: Context<HttpEnv>): Promise<unknown> {
  checkType(c, 'application/json');
  const text = await readText(c);
  if (text.trim() === '') return {};
  if (depthOf(text) > MAX_DEPTH) throw new CoordinatorError('INPUT_INVALID', `body: nested deeper than ${MAX_DEPTH}`);
  try {
    return JSON.parse(text);
  } catch {
    throw new CoordinatorError('INPUT_INVALID', 'body: expected JSON');
  }
}

/** @throws CoordinatorError MEDIA_TYPE_UNSUPPORTED, BODY_TOO_LARGE, INPUT_INVALID */
export async function readForm(c: Context<HttpEnv>): Promise<URLSearchParams> {
  checkType(c, 'application/x-www-form-urlencoded');
  return new URLSearchParams(await readText(c));
}

function checkType(c: Context<HttpEnv>, expected: string): void {
  const type = (c.req.header('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
  if (type !== expected) throw new CoordinatorError('MEDIA_TYPE_UNSUPPORTED', `content-type: expected ${expected}`);
}

async function readText(c: Context<HttpEnv>): Promise<string> {
  const tooLarge = (): CoordinatorError =>
    new CoordinatorError('BODY_TOO_LARGE', `body: longer than ${MAX_BODY_BYTES} bytes`);
  if (Number(c.req.header('content-length') ?? 0) > MAX_BODY_BYTES) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of (c.req.raw.body ?? []) as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw new CoordinatorError('INPUT_INVALID', 'body: expected UTF-8');
  }
}

/** How deep arrays and objects lie in each other, without parsing: one look at each character, whatever it is. */
function depthOf(json: string): number {
  let depth = 0;
  let deepest = 0;
  let isInString = false;
  for (let at = 0; at < json.length; at++) {
    const sign = json[at];
    if (isInString && sign === '\\') at += 1;
    else if (sign === '"') isInString = !isInString;
    else if (isInString) continue;
    else if (sign === '[' || sign === '{') deepest = Math.max(deepest, ++depth);
    else if (sign === ']' || sign === '}') depth -= 1;
  }
  return deepest;
}
