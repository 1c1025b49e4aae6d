/** The command line is wrong: the message names the argument and its value. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
