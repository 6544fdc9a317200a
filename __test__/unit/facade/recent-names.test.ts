import { expect, it } from 'vitest';
import { RecentNames } from '../../../facade/collections/remote-map/RecentNames';

it('knows as many names as it is to know, and forgets older ones some time', () => {
  const names = new RecentNames(3);
  const isNew = (...added: number[]) => added.map((name) => names.add(`${name}`));

  expect(isNew(1, 2, 3, 1, 4, 2, 5, 6)).toEqual([true, true, true, false, true, false, true, true]);
  expect(isNew(4, 5, 6)).toEqual([false, false, false]);
  expect(isNew(7, 1)).toEqual([true, true]);
});
