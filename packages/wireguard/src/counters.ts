import type { CounterName } from './device-api.ts';

/** Every counter of a device, at zero. */
export function createCounters(): Record<CounterName, number> {
  return {
    'short-dropped': 0,
    'unknown-type-dropped': 0,
    'wrong-length-dropped': 0,
    'bad-mac1-dropped': 0,
    'bad-mac2-dropped': 0,
    'rate-limited-dropped': 0,
    'bad-handshake-dropped': 0,
    'unknown-peer-dropped': 0,
    'replayed-handshake-dropped': 0,
    'flooding-handshake-dropped': 0,
    'bad-cookie-dropped': 0,
    'unknown-index-dropped': 0,
    'expired-key-dropped': 0,
    'bad-tag-dropped': 0,
    'replayed-dropped': 0,
    'bad-length-dropped': 0,
    'source-check-dropped': 0,
    'ecn-dropped': 0,
    'not-ip-dropped': 0,
    'no-route-dropped': 0,
    'no-endpoint-dropped': 0,
    'loop-dropped': 0,
    'staged-dropped': 0,
    'cookies-sent': 0,
    'initiations-sent': 0,
    'stamps-ahead': 0,
    'initiations-received': 0,
    'responses-sent': 0,
    'responses-received': 0,
    'cookies-received': 0,
    'keepalives-sent': 0,
    'keepalives-received': 0,
  };
}
