/**
 * A join link: all that a new machine needs, in the fragment of a URL, which browsers keep to themselves.
 * `https://HOST:PORT/join#v=1&n=NETWORK&k=CHANNEL_KEY&t=TOKEN[&s=URL,URL]&c=CHECKSUM`. The checksum is over
 * the text before it, so that a link cut short or altered on its way is told from one that expired.
 */
import { blake2s256, expectKey, utf8 } from './bytes.ts';
import { NetmapError } from './errors.ts';
import { formatNetworkId, parseNetworkId } from './network-id.ts';
import { isCanonicalKey } from './public-key.ts';
import { decodeBase64Url, encodeBase64Url } from './text.ts';
import { parseServerUrl } from './urls.ts';

export interface JoinLink {
  /** Where the server is reached, best first; one at least. `https://HOST:PORT` */
  readonly urls: readonly string[];
  /** 32 bytes. */
  readonly networkId: Uint8Array;
  /** The server's channel key, 32 bytes: its channel proves it, whatever its certificate says. */
  readonly channelKey: Uint8Array;
  readonly token: string;
}

/** Most URLs in a link, and most characters of one. */
export const JOIN_LINK = { URLS: 8, LENGTH: 4096, TOKEN: 200 } as const;

const LABEL = utf8('pcloud/join-link/1');
const CHECKSUM_BYTES = 12;
const TOKEN = /^[A-Za-z0-9_-]{1,200}$/;
const PATH = '/join';

/** @throws NetmapError INVALID_VALUE or INVALID_KEY naming the field */
export function formatJoinLink(link: JoinLink): string {
  expectKey('networkId', link.networkId);
  if (!isCanonicalKey(link.channelKey)) throw invalidValue('channelKey', 'expected an X25519 public key');
  if (!TOKEN.test(link.token)) throw invalidValue('token', 'expected 1 to 200 letters, digits, - and _');
  if (link.urls.length < 1 || link.urls.length > JOIN_LINK.URLS) throw invalidValue('urls', 'expected 1 to 8');
  const [first, ...further] = link.urls.map((text) => {
    const url = parseServerUrl(text);
    if (url === undefined) throw invalidValue('urls', `expected https://HOST:PORT, got ${text}`);
    return url;
  });
  const fields = [
    'v=1',
    `n=${formatNetworkId(link.networkId)}`,
    `k=${encodeBase64Url(link.channelKey)}`,
    `t=${link.token}`,
    ...(further.length > 0 ? [`s=${further.join(',')}`] : []),
  ];
  const text = `${first}${PATH}#${fields.join('&')}`;
  return `${text}&c=${checksum(text)}`;
}

/**
 * Reads a link, white space and one pair of quotes around it; scheme and host in any case. Returns, and does not throw, a `NetmapError` (LINK_INVALID,
 * LINK_VERSION_UNSUPPORTED) whose `field` is the part that is wrong: `url`, `version`, `networkId`,
 * `channelKey`, `token`, `urls` or `checksum`. The error never holds the token.
 */
export function parseJoinLink(text: string): JoinLink | NetmapError {
  const link = unquote(text.trim());
  if (link.length > JOIN_LINK.LENGTH) return invalid('url', `longer than ${JOIN_LINK.LENGTH} characters`);
  const hash = link.indexOf('#');
  const path = hash < 0 ? link : link.slice(0, hash);
  const url = path.endsWith(PATH) ? parseServerUrl(path.slice(0, -PATH.length)) : undefined;
  if (url === undefined) return invalid('url', 'it does not begin with https://HOST:PORT/join#');

  if (hash < 0) return invalid('url', 'it ends before its #');
  const fields = readFields(link.slice(hash + 1));
  if (fields === undefined) return invalid('url', 'what follows the # is not NAME=VALUE&NAME=VALUE');
  const version = fields.get('v');
  if (version !== '1') {
    if (version === undefined || !/^[1-9][0-9]{0,3}$/.test(version)) return invalid('version', 'it is missing');
    const message = `join link: version ${version} is newer than this program; update it`;
    return new NetmapError('LINK_VERSION_UNSUPPORTED', message, { field: 'version' });
  }
  const networkId = parseNetworkId(fields.get('n') ?? '');
  if (networkId === undefined) return invalid('networkId', 'it is missing or not whole');
  const channelKey = decodeBase64Url(fields.get('k') ?? '', 32);
  if (channelKey === undefined || !isCanonicalKey(channelKey)) {
    return invalid('channelKey', 'it is missing or not whole');
  }
  const token = fields.get('t') ?? '';
  if (!TOKEN.test(token)) return invalid('token', 'it is missing or not whole');
  const further = (fields.get('s')?.split(',') ?? []).map(parseServerUrl);
  const urls = [url, ...further.filter((one) => one !== undefined)];
  if (urls.length !== 1 + further.length || urls.length > JOIN_LINK.URLS) {
    return invalid('urls', 'a further address is not https://HOST:PORT');
  }
  const end = link.lastIndexOf('&c=');
  if (end < 0 || link.slice(end + 3) !== checksum(`${path.toLowerCase()}${link.slice(hash, end)}`)) {
    return invalid('checksum', 'the link was cut short or altered');
  }
  return { urls, networkId, channelKey, token };
}

/** As copied together with what keeps a shell from reading it. */
function unquote(text: string): string {
  return /^(["'`]).*\1$|^<.*>$/s.test(text) ? text.slice(1, -1).trim() : text;
}

/** Undefined when something is no field, or a field stands twice. Fields that are not known here are let be. */
function readFields(fragment: string): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const field of fragment.split('&')) {
    const equals = field.indexOf('=');
    const name = field.slice(0, equals);
    if (equals < 1 || fields.has(name)) return undefined;
    fields.set(name, field.slice(equals + 1));
  }
  return fields;
}

function checksum(text: string): string {
  return encodeBase64Url(blake2s256(LABEL, utf8(text)).subarray(0, CHECKSUM_BYTES));
}

function invalid(field: string, problem: string): NetmapError {
  return new NetmapError('LINK_INVALID', `join link, ${field}: ${problem}`, { field });
}

function invalidValue(field: string, problem: string): NetmapError {
  return new NetmapError('INVALID_VALUE', `join link, ${field}: ${problem}`, { field });
}
