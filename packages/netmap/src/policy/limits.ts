/** Most of each in a policy. */
export const POLICY_LIMITS = {
  /** Bytes of the text in UTF-8. */
  TEXT_BYTES: 262_144,
  GROUPS: 1000,
  MEMBERS: 10_000,
  TAGS: 1000,
  HOSTS: 5000,
  RULES: 2000,
  /** Selectors in one list. */
  SELECTORS: 500,
  /** Ranges behind one destination. */
  PORTS: 64,
  PROTOCOLS: 16,
  APPROVERS: 1000,
  TESTS: 1000,
  /** Of these the first are named. */
  PROBLEMS: 100,
} as const;
