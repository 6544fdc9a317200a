/** Compiled, never run: records of types that are written in each way. */
import {
  createHamokCodec,
  type Hamok,
  HamokRecord,
  type HamokRecordBuilderConfig,
  type HamokRecordObject,
  type HamokRecordSnapshot,
} from 'hamok';
import { typeOf } from './type-of';

type Settings = { theme: 'dark' | 'light'; limit: number; tags?: string[] };

interface Limits {
  requests: number;
  reason?: string;
}

export async function create(hamok: Hamok): Promise<void> {
  const config: HamokRecordBuilderConfig<Settings> = {
    recordId: 'settings',
    payloadCodecs: new Map([['limit', createHamokCodec<Settings[keyof Settings], string>(String, Number)]]),
    initialObject: { theme: 'dark' },
    equalValues: (a, b) => a === b,
    requestTimeoutInMs: 1000,
  };

  typeOf(hamok.createRecord(config)).is<HamokRecord<Settings>>();
  typeOf(await hamok.createRecord<Settings>({ recordId: 'settings' }).ready).is<HamokRecord<Settings>>();
  typeOf(await hamok.createRecord<Limits>({ recordId: 'limits' }).ready).is<HamokRecord<Limits>>();
  typeOf(hamok.createRecord({ recordId: 'any' }).get('field')).is<unknown>();
  hamok.getOrCreateRecord<Limits>({ recordId: 'limits' }, (existed) => typeOf(existed).is<boolean>());

  // @ts-expect-error a record has an id
  hamok.createRecord<Settings>({ initialObject: {} });
  // @ts-expect-error there is no such field
  hamok.createRecord<Settings>({ recordId: 'settings', initialObject: { color: 'red' } });
  // @ts-expect-error the field has another type
  hamok.createRecord<Limits>({ recordId: 'limits', initialObject: { requests: 'many' } });
  // @ts-expect-error the option is called payloadCodecs
  hamok.createRecord<Settings>({ recordId: 'settings', payloadsCodec: new Map() });
  // @ts-expect-error there is no such field to encode
  const codecs: HamokRecordBuilderConfig<Limits>['payloadCodecs'] = new Map([
    ['color', createHamokCodec(String, Number)],
  ]);

  hamok.createRecord<Limits>({ recordId: 'limits', payloadCodecs: codecs });

  // @ts-expect-error a record is made by createRecord()
  new HamokRecord<Settings>();
}

export function read(settings: HamokRecord<Settings>, limits: HamokRecord<Limits>): void {
  typeOf(settings.get('theme')).is<'dark' | 'light' | undefined>();
  typeOf(settings.get('tags')).is<string[] | undefined>();
  typeOf(settings.instance).is<Settings>();
  typeOf(limits.get('requests')).is<number | undefined>();
  typeOf(limits.instance.reason).is<string | undefined>();

  // @ts-expect-error there is no such field
  settings.get('color');
  // @ts-expect-error the instance is a copy, and read-only
  settings.instance = { theme: 'dark', limit: 1 };
  // @ts-expect-error a record has no size
  settings.size;
}

export async function write(settings: HamokRecord<Settings>, limits: HamokRecord<Limits>): Promise<void> {
  typeOf(await settings.set('theme', 'light')).is<'dark' | 'light' | undefined>();
  typeOf(await settings.insert('limit', 5)).is<number | undefined>();
  typeOf(await settings.insertInstance({ limit: 5 })).is<Partial<Settings> | undefined>();
  typeOf(await settings.updateIf('limit', 6, 5)).is<boolean>();
  typeOf(await settings.updateIf('limit', 6, undefined)).is<boolean>();
  typeOf(await settings.updateInstanceIf({ limit: 6 }, { theme: 'dark', tags: undefined })).is<boolean>();
  typeOf(await settings.delete('tags')).is<boolean>();
  typeOf(await settings.clear()).is<void>();
  typeOf(await limits.set('reason', 'quiet')).is<string | undefined>();
  settings.close();

  // @ts-expect-error there is no such theme
  await settings.set('theme', 'blue');
  // @ts-expect-error there is no such field
  await settings.set('color', 'red');
  // @ts-expect-error the values are those of another field
  await settings.updateIf('limit', 5, 'dark');
  // @ts-expect-error there is no such field
  await settings.insertInstance({ color: 'red' });
  // @ts-expect-error the value is no number
  await limits.updateInstanceIf({ requests: 'many' }, {});
  // @ts-expect-error there is no such field
  await limits.delete('theme');
}

export function move(settings: HamokRecord<Settings>): void {
  const snapshot: HamokRecordSnapshot = settings.export();

  typeOf(snapshot).is<{ recordId: string; keys: Uint8Array[]; values: Uint8Array[] }>();
  settings.import(snapshot, true);

  // @ts-expect-error the snapshot of another kind
  settings.import({ mapId: 'settings', keys: [], values: [] });
  // @ts-expect-error keys and values are bytes here
  settings.import({ recordId: 'settings', keys: ['limit'], values: ['5'] });
}

/** Functions for records of any type, as old code has them. */
export class Cache<T extends HamokRecordObject> {
  readonly record: HamokRecord<T>;

  constructor(hamok: Hamok, config: HamokRecordBuilderConfig<T>) {
    this.record = hamok.createRecord<T>(config);
  }

  async change<K extends keyof T>(key: K, value: T[K]): Promise<T[K] | undefined> {
    return (await this.record.set(key, value)) ?? this.record.get(key);
  }
}

export function narrow<T extends Record<string, unknown>>(
  record: HamokRecord<T>,
  key: keyof T,
): T[keyof T] | undefined {
  return record.get(key);
}

export const cacheOf = (hamok: Hamok) => new Cache<Settings>(hamok, { recordId: 'settings' }).record.get('theme');
