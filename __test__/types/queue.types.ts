/** Compiled, never run: queues. */
import {
  createHamokJsonBinaryCodec,
  type Hamok,
  HamokQueue,
  type HamokQueueBuilderConfig,
  type HamokQueueSnapshot,
  MemoryBaseMap,
} from 'hamok';
import { typeOf } from './type-of';

interface Job {
  name: string;
}

export async function create(hamok: Hamok): Promise<void> {
  const config: HamokQueueBuilderConfig<Job> = {
    queueId: 'jobs',
    codec: createHamokJsonBinaryCodec<Job>(),
    baseMap: new MemoryBaseMap<number, Job>(),
    requestTimeoutInMs: 1000,
  };

  typeOf(hamok.createQueue(config)).is<HamokQueue<Job>>();
  typeOf(await hamok.createQueue<Job>({ queueId: 'jobs' }).ready).is<HamokQueue<Job>>();
  typeOf(hamok.createQueue({ queueId: 'any' })).is<HamokQueue<unknown>>();
  hamok.getOrCreateQueue<Job>(config, (existed) => typeOf(existed).is<boolean>());

  // @ts-expect-error a queue has an id
  hamok.createQueue<Job>({});
  // @ts-expect-error a queue has one codec, for its items
  hamok.createQueue<Job>({ queueId: 'jobs', valueCodec: createHamokJsonBinaryCodec<Job>() });
  // @ts-expect-error the numbers of the items are the keys
  hamok.createQueue<Job>({ queueId: 'jobs', baseMap: new MemoryBaseMap<string, Job>() });
  // @ts-expect-error a queue is made by createQueue()
  new HamokQueue<Job>();
}

export async function use(jobs: HamokQueue<Job>): Promise<void> {
  typeOf(await jobs.push({ name: 'a' }, { name: 'b' })).is<void>();
  typeOf(await jobs.push()).is<void>();
  typeOf(await jobs.pop()).is<Job | undefined>();
  typeOf(jobs.peek()).is<Job | undefined>();
  typeOf(jobs.size).is<number>();
  typeOf(jobs.empty).is<boolean>();
  typeOf([...jobs]).is<Job[]>();
  typeOf(await jobs.clear()).is<void>();
  jobs.close();

  // @ts-expect-error items come one by one
  await jobs.push([{ name: 'a' }]);
  // @ts-expect-error an item of another type
  await jobs.push('a');
  // @ts-expect-error the queue may be empty
  (await jobs.pop()).name;
  // @ts-expect-error `empty` is no function
  jobs.empty();
  // @ts-expect-error the size is read-only
  jobs.size = 0;
}

export function move(jobs: HamokQueue<Job>): void {
  const snapshot: HamokQueueSnapshot = jobs.export();

  typeOf(snapshot).is<{ queueId: string; keys: string[]; values: string[] }>();
  jobs.import(snapshot, true);

  // @ts-expect-error the snapshot of another kind
  jobs.import({ mapId: 'jobs', keys: [], values: [] });
}
