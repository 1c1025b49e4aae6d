/** What happens to a network with a policy, at random. */
import { DEFAULT_POLICY } from '@pcloud/netmap';
import fc from 'fast-check';
import { policies } from '../../packages/netmap/tests/policies.ts';

export const MACHINES = 8;
/** Users who come and go; `ada` owns the network, and stays. */
export const USERS = ['bob', 'eve', 'kim'] as const;

/** To whom a machine belongs that joins: a user, its tags, the network, or nobody yet. */
export type Owner =
  | { readonly user: string }
  | { readonly tags: readonly string[] }
  | { readonly role: 'server' }
  | Record<string, never>;

export type Step =
  | { readonly do: 'join'; readonly who: number; readonly owner: Owner }
  | { readonly do: 'connect'; readonly who: number; readonly map: 'newest' | 'oldest' | 'none' }
  | { readonly do: 'leave' | 'remove' | 'rotate' | 'disconnect'; readonly who: number }
  | { readonly do: 'expire' | 'renew' | 'revoke'; readonly who: number }
  | { readonly do: 'rename'; readonly who: number; readonly name: string }
  | { readonly do: 'adopt'; readonly who: number; readonly user: string }
  | { readonly do: 'add-user' | 'disable-user' | 'enable-user' | 'remove-user'; readonly user: string }
  | { readonly do: 'set-role'; readonly user: string; readonly role: 'admin' | 'member' }
  | { readonly do: 'policy'; readonly text: string }
  | { readonly do: 'restart' | 'quiet' };

const who = fc.nat({ max: MACHINES - 1 });
const user = fc.constantFrom(...USERS);

const owner: fc.Arbitrary<Owner> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ user: fc.constantFrom('ada', ...USERS) }) },
  {
    weight: 2,
    arbitrary: fc.record({ tags: fc.subarray(['nas', 'router', 'web'], { minLength: 1 }) }),
  },
  { weight: 1, arbitrary: fc.constant({ role: 'server' as const }) },
  { weight: 2, arbitrary: fc.constant({}) },
);

const text = fc.oneof(
  { weight: 4, arbitrary: policies.map((policy) => JSON.stringify(policy)) },
  { weight: 1, arbitrary: fc.constantFrom(DEFAULT_POLICY, '{ "rules": [] }') },
);

const machineStep: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constant('join' as const), who, owner }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('connect' as const),
      who,
      map: fc.constantFrom('newest' as const, 'newest' as const, 'oldest' as const, 'none' as const),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom(
        'disconnect' as const,
        'disconnect' as const,
        'leave' as const,
        'remove' as const,
        'rotate' as const,
      ),
      who,
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('expire' as const, 'expire' as const, 'expire' as const, 'renew' as const, 'revoke' as const),
      who,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('rename' as const), who, name: fc.constantFrom('lamp', 'tv', 'pi') }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('adopt' as const), who, user: fc.constantFrom('ada', ...USERS) }),
  },
);

const userStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('add-user' as const, 'disable-user' as const, 'enable-user' as const, 'remove-user' as const),
      user,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('set-role' as const),
      user,
      role: fc.constantFrom('admin' as const, 'member' as const),
    }),
  },
);

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: machineStep },
  { weight: 5, arbitrary: userStep },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('policy' as const), text }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('quiet' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const) }) },
);

/** Long enough for a network to come about in which users and policies matter. */
export const histories: fc.Arbitrary<readonly Step[]> = fc.noBias(fc.array(step, { minLength: 20, maxLength: 70 }));
