/** The policy of a network that nobody has given one. */
export const DEFAULT_POLICY = `{
  // What no rule allows is refused.
  "rules": [
    // Each user's own devices reach each other.
    { "src": ["autogroup:member"], "dst": ["autogroup:self:*"] },

    // Devices that root let in, and that nobody has claimed yet, are taken for the owners'.
    { "src": ["autogroup:unclaimed", "autogroup:owner"], "dst": ["autogroup:unclaimed:*"] },
    { "src": ["autogroup:unclaimed"], "dst": ["autogroup:owner:*"] },

    // Everyone reaches what the servers publish.
    { "src": ["*"], "dst": ["autogroup:servers:80,443"], "proto": "tcp" },
    { "src": ["*"], "dst": ["autogroup:servers:*"], "proto": "icmp" },
  ],
}
`;
