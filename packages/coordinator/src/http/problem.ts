/** What is wrong, as HTTP says it. */
import type { Problem } from '../problem.ts';

export function jsonProblem({ status, code, message, retryAfterMs }: Problem): Response {
  return Response.json(
    { error: { code, message, ...(retryAfterMs !== undefined && { retryAfterMs }) } },
    { status, headers: retryHeaders(retryAfterMs) },
  );
}

export function retryHeaders(retryAfterMs: number | undefined): Record<string, string> {
  return retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) };
}
