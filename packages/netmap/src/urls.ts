/** Characters of a server's URL. */
export const MAX_URL_LENGTH = 300;

/** A server's URL as written everywhere: `https://HOST` or `https://HOST:PORT`, nothing else; undefined otherwise. */
export function parseServerUrl(text: string): string | undefined {
  if (text.length > MAX_URL_LENGTH || !URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isBare = url.username === '' && url.password === '' && url.pathname === '/' && url.search + url.hash === '';
  return url.protocol === 'https:' && isBare && !text.endsWith('?') && !text.endsWith('#') ? url.origin : undefined;
}
