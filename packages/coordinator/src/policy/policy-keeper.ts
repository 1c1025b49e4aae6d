/** The policy in force, compiled anew whenever its text or whom it is about has changed. */
import {
  type CompiledPolicy,
  compilePolicy,
  DEFAULT_POLICY,
  type Policy,
  type PolicyFacts,
  parsePolicy,
} from '@pcloud/netmap';
import type { Logger } from '../log.ts';
import type { Registry } from '../nodes/registry.ts';

export interface PolicyKeeper {
  /** Of what the registry has now. */
  readonly current: CompiledPolicy;
  readonly text: string;
  /** Of another text, with the users and nodes of now. */
  compile(policy: Policy): CompiledPolicy;
}

/** What a policy that cannot be read is taken for: the floor is let in, and nothing else. */
const NOTHING = '{ "rules": [] }';

export function createPolicyKeeper(registry: Registry, log: Logger): PolicyKeeper {
  let text = '';
  let policy: Policy;
  let current: CompiledPolicy;
  let version = '';

  function nodesNamed({ nodeNames }: Policy): NonNullable<PolicyFacts['nodes']> {
    return [...nodeNames].flatMap((name) => {
      const id = registry.names.get(name);
      return id === undefined ? [] : [{ name, id }];
    });
  }

  function compile(of: Policy): CompiledPolicy {
    return compilePolicy(of, { users: [...registry.users.values()], nodes: nodesNamed(of) });
  }

  /** It was checked when it was set, by a version of this program that may have known more. */
  function parse(of: string): Policy {
    const result = parsePolicy(of);
    if ('policy' in result) return result.policy;
    log.error({ problem: result.problems[0]!.message }, 'the policy cannot be read; nothing but the floor is allowed');
    return parse(NOTHING);
  }

  return {
    get current() {
      const next = registry.policy ?? DEFAULT_POLICY;
      if (next !== text) policy = parse(next);
      text = next;
      const nextVersion = `${registry.factsVersion} ${JSON.stringify(nodesNamed(policy))}`;
      if (nextVersion !== version) current = compile(policy);
      version = nextVersion;
      return current;
    },
    get text() {
      return registry.policy ?? DEFAULT_POLICY;
    },
    compile,
  };
}
