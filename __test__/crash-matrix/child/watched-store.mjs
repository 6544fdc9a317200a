/**
 * A store whose writes are written down, each batch before it is sent and again with its results, and where a trap lies at
 * each step. Nothing else of the store is changed, and nothing of the library.
 */

/** @returns a store that createRemoteMap takes for the one it is given */
export function watchedStore(store, journal, trap, report) {
  let lastNumber = 0;
  let writes = 0;

  const watched = {
    /** Number of batches that the store has carried out for this peer. */
    get writes() {
      return writes;
    },

    async acquire(gridId) {
      const epoch = await store.acquire(gridId);

      journal.note('acquired', gridId, epoch);

      return epoch;
    },

    async applyBatch(operations, context) {
      const number = ++lastNumber;
      const { epoch, term, attempt } = context;

      journal.note('sent', number, { epoch, term, attempt }, operations.map(shownOperation));
      await trap.before(operations);

      const answer = store.applyBatch(operations, context);

      trap.sent(operations);
      try {
        const results = await answer;
        const refusal = results.find(({ status }) => status === 'refused');

        journal.note('answered', number, results.map(shownResult));
        if (refusal) report('refused', [refusal.error.code]);
        else writes++;
        trap.answered(operations, refusal !== undefined);

        return results;
      } catch (error) {
        journal.note('unanswered', number, String(error));
        trap.failed(operations);
        throw error;
      }
    },
  };

  return new Proxy(store, {
    get(target, name) {
      const member = watched[name] ?? target[name];

      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}

function shownOperation({ entries, ...operation }) {
  return entries ? { ...operation, entries: [...entries] } : operation;
}

function shownResult({ status, result, repeated, error }) {
  return { status, repeated, result: result instanceof Map ? [...result] : result, error: error && String(error) };
}
