/** Operations of a remote map as a store takes them in a batch, and what its results mean. */
import { invalidArgument } from '../../common/errors';
import { RemoteMethod } from '../../node/protocol';
import type { Execution } from '../../node/RecordSink';
import type { RemoteResult } from '../../node/ReplyOutbox';
import type { StoreAction, StoreOperation, StoreValue } from '../../stores/ExactStore';
import type { RemoteMapUpdateResult } from '../RemoteMap';
import { KeyPositions } from './KeyPositions';
import { RemoteReport } from './RemoteReport';
import type { RemoteMapTools } from './remoteMapMethods';

export class BatchedExecution<K, V> {
  readonly operation: StoreOperation<K, V>;

  private readonly keys: K[];
  private readonly values: V[];

  /**
   * @param found what `updateIf` is to compare with in place of the value that its caller expects; see `BatchWork`
   * @throws what a codec throws
   */
  constructor(
    private readonly tools: RemoteMapTools<K, V>,
    readonly execution: Execution,
    private readonly found?: { readonly value: V },
  ) {
    const { index, operationId } = execution;

    this.keys = execution.keys.map((bytes) => tools.codec.decodeKey(bytes));
    this.values = execution.values.map((bytes) => tools.codec.decodeValue(bytes));
    // Spreading would take longer than all else here.
    this.operation = Object.assign(this.action(), { index, operationId });
  }

  /** What the caller and the listeners get. @throws what a codec throws, and for a result of another shape */
  result(value: StoreValue<K, V>): RemoteResult {
    const report = new RemoteReport(this.execution, this.tools.codec, this.tools.emitEvents);

    switch (this.execution.method) {
      case RemoteMethod.SET:
        report.set(this.only(value));
        break;
      case RemoteMethod.SET_ALL:
        report.set(this.byPosition((value as RemoteMapUpdateResult<K, V>).updated.map(([key, old]) => [key, old])));
        break;
      case RemoteMethod.INSERT:
        report.insert(this.only(value));
        break;
      case RemoteMethod.INSERT_ALL:
        report.insert(this.byPosition(value as ReadonlyMap<K, V>));
        break;
      case RemoteMethod.DELETE:
      case RemoteMethod.REMOVE:
        report.remove(this.only(value), false);
        break;
      case RemoteMethod.DELETE_ALL:
        report.remove(this.byPosition(value as ReadonlyMap<K, V>), false);
        break;
      case RemoteMethod.REMOVE_ALL:
        report.remove(this.byPosition(value as ReadonlyMap<K, V>), true);
        break;
      case RemoteMethod.UPDATE_IF:
        if (value) report.updateIf(this.expected);
        break;
      default:
        report.clear();
    }

    return report.result;
  }

  private action(): StoreAction<K, V> {
    const [key, value] = [this.keys[0] as K, this.values[0] as V];

    switch (this.execution.method) {
      case RemoteMethod.SET:
        return { method: 'set', key, value };
      case RemoteMethod.SET_ALL:
        return { method: 'setAll', entries: this.entries };
      case RemoteMethod.INSERT:
        return { method: 'insert', key, value };
      case RemoteMethod.INSERT_ALL:
        return { method: 'insertAll', entries: this.entries };
      case RemoteMethod.DELETE:
      case RemoteMethod.REMOVE:
        return { method: 'remove', key };
      case RemoteMethod.DELETE_ALL:
      case RemoteMethod.REMOVE_ALL:
        return { method: 'removeAll', keys: this.keys };
      case RemoteMethod.UPDATE_IF:
        return { method: 'updateIf', key, value, oldValue: this.expected };
      case RemoteMethod.CLEAR:
        return { method: 'clear' };
      default:
        throw invalidArgument(`Unknown method ${this.execution.method} of a remote map`);
    }
  }

  private get entries(): Map<K, V> {
    return new Map(this.keys.map((key, index) => [key, this.values[index] as V]));
  }

  private get expected(): V {
    return this.found ? this.found.value : (this.values[1] as V);
  }

  private only(value: StoreValue<K, V>): Map<number, V> {
    return new Map(value === undefined ? [] : [[0, value as V]]);
  }

  private byPosition(entries: Iterable<readonly [K, V]>): Map<number, V> {
    const positions = new KeyPositions(this.keys, this.execution.keys, this.tools.codec);
    const found: [number, V][] = [];

    for (const [key, value] of entries) {
      const index = positions.find(key);

      if (index !== undefined) found.push([index, value]);
    }

    return new Map(found.sort(([a], [b]) => a - b));
  }
}
