/**
 * A leader is stopped in the middle of a call of the store and goes on when another has led for a while. No clock tells it
 * that; so what it sends then is refused by the store.
 */
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { randomOf } from '../black-box/random';
import { type StoreServer, startStoreServer } from '../stores/support/StoreServer';
import { compileFacade } from '../support/peer-process';
import { MatrixGrid } from './matrix-grid';
import { STORES } from './round';
import { violations } from './violations';

beforeAll(compileFacade);

describe.each(STORES)('on %s', (kind) => {
  let server: StoreServer;
  let matrix: MatrixGrid;

  beforeEach(async () => {
    server = await startStoreServer(kind);
    matrix = await MatrixGrid.start(server, 'frozen', randomOf(1));
  }, 60_000);

  afterEach(async () => {
    await matrix.grid.close();
    matrix.grid.forget();
    await server.stop();
  });

  it('the late write of a frozen leader is refused, and changes nothing', async () => {
    const { grid } = matrix;

    await grid.progress();
    // What it does itself would change the store when it is back.
    await (await grid.settled()).ask('rest');

    const frozen = await matrix.leaderFreezesAt('frozen');

    await matrix.oneWrites(grid.live);
    await grid.rest();

    const before = await matrix.content();

    frozen.thaw();
    frozen.retired = false;

    const { args } = await matrix.eventOf(frozen, 'refused', 0);

    expect(args).toEqual(['STALE_EPOCH']);
    expect(await matrix.content()).toEqual(before);

    // It comes back, and none of the operations that it held is lost.
    await grid.settled();

    const { batches } = matrix.history();
    const late = batches.find(({ answers }) => answers?.some(({ status }) => status === 'refused'));

    expect(late).toMatchObject({ peer: frozen.name });
    expect(late?.answers?.map(({ status }) => status)).toEqual(late?.operations.map(() => 'refused'));
    expect(violations(matrix.history(), before)).toEqual([]);
  }, 60_000);

  it('a leader that was refused leads again, and carries out what is ordered', async () => {
    const { grid } = matrix;

    await grid.progress();

    const frozen = await matrix.leaderFreezesAt('frozen');

    await matrix.oneWrites(grid.live);
    frozen.thaw();
    frozen.retired = false;
    await matrix.eventOf(frozen, 'refused', 0);

    for (let leader = await grid.settled(); leader !== frozen; leader = await grid.settled()) {
      await leader.kill();
      await matrix.replace([leader]);
    }
    await grid.progress();
    await grid.rest();
    expect(violations(matrix.history(), await matrix.content())).toEqual([]);
  }, 120_000);
});
