/** How often one source may open connections: each costs a handshake. */
export interface SourceLimiter {
  allow(source: string, now: number): boolean;
}

const PER_SECOND = 20;
const BURST = 100;
/** Sources remembered; the one that has been quiet longest is forgotten first. */
const MAX_SOURCES = 10_000;

export function createSourceLimiter(): SourceLimiter {
  const sources = new Map<string, { tokens: number; at: number }>();
  return {
    allow(source, now) {
      const known = sources.get(source) ?? { tokens: BURST, at: now };
      const tokens = Math.min(BURST, known.tokens + ((now - known.at) * PER_SECOND) / 1000);
      sources.delete(source);
      sources.set(source, { tokens: tokens >= 1 ? tokens - 1 : tokens, at: now });
      for (const oldest of sources.keys()) {
        if (sources.size <= MAX_SOURCES) break;
        sources.delete(oldest);
      }
      return tokens >= 1;
    },
  };
}
