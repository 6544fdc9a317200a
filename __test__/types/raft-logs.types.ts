/** Compiled, never run: the log as users read it, with every parameter typed by the package alone. */
import { Hamok, type LogEntry, MemoryStoredRaftLogs, type RaftLogs } from 'hamok';
import { MemoryStoredRaftLogs as Deep } from 'hamok/lib/raft/MemoryStoredRaftLogs';

export function read(hamok: Hamok): (LogEntry | undefined)[] {
  const logs: RaftLogs = hamok.raft.logs;
  const found: (LogEntry | undefined)[] = [logs.get(1), ...logs.collectEntries(0, 5), ...logs.collectEntries(0)];

  for (const entry of logs) found.push(entry);

  return found;
}

export function keysOf(logs: RaftLogs): Uint8Array[] | undefined {
  return logs.get(3)?.entry.keys;
}

export function listen(hamok: Hamok): void {
  const logs: RaftLogs = hamok.raft.logs;

  logs.on('committed', (index, message) => void [index.toFixed(), message.storageId]).once('removed', () => {});
  (hamok.raft.logs as MemoryStoredRaftLogs).on('removed', (index, message) => void [index.toFixed(), message.keys]);
  hamok.raft.logs.off('expired', () => {}).on('highWaterMark', (bytesInMemory) => void bytesInMemory.toFixed());
}

export function create(): Hamok[] {
  const config = { expirationTimeInMs: 60_000, memorySizeHighWaterMark: 1e6 };

  return [
    new Hamok({ raftLogs: new MemoryStoredRaftLogs(config) }),
    new Hamok({ raftLogs: new Deep(config, new Map<number, LogEntry>()), initialLogEntries: new Map() }),
  ];
}

// @ts-expect-error both options are required
new MemoryStoredRaftLogs({ expirationTimeInMs: 60_000 });
