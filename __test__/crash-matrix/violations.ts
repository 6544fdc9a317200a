/** What is wrong with a round, in words: from all that its processes have written down, and what the store has in the end. */
import { callerRules } from './callers';
import { executionRules } from './executions';
import type { History } from './history';
import type { Content } from './model';

/** Of one rule; more say nothing new. */
const MAX_LINES_OF_A_RULE = 5;

/** Empty if nothing is. */
export function violations(history: History, end: Content): string[] {
  return [...callerRules(history, end), ...executionRules(history, end)].flatMap((lines) =>
    lines.length > MAX_LINES_OF_A_RULE
      ? [...lines.slice(0, MAX_LINES_OF_A_RULE), `… and ${lines.length - MAX_LINES_OF_A_RULE} like these`]
      : lines,
  );
}
