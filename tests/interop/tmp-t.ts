/**
 * Links on which time matters, through a forwarder that holds each datagram:
 *
 *     [left] eth0 192.0.2.1 ──── 192.0.2.2 eth0 [right]
 *            └─ near port of the forwarder     └─ both peers send to 192.0.2.1, where it listens
 */
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { forward, seen } from './lib/forwarder.ts';
import { newestPeer, ours } from './lib/implementations.ts';
import { INNER, withPair } from './lib/pair.ts';
import { assertPing, ping } from './lib/traffic.ts';


test('x', async()=>{ await withPair({left: ours(), right: ours(), endpoints:'neither'}, async (pair)=>{ const f=await forward(pair,{delayMs:4000}); const t0=Date.now(); const r=await ping(pair.left.host, INNER[4].right,{count:12,intervalMs:1000,waitSeconds:25}); console.log(Date.now()-t0, r.output, seen(f).map(x=>JSON.stringify(x)).join('\n'));  assert.ok(false) }); });
test.run();
