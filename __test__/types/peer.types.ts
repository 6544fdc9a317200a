/** Compiled, never run: a peer, its options, what it shows, and how it joins and leaves. */
import {
  type AnyCollection,
  Hamok,
  type HamokConfig,
  HamokError,
  type HamokErrorCode,
  HamokGrid,
  type HamokJoinProcessParams,
  HamokMessage,
  type HamokObjectConfig,
  type HamokState,
  type LogEntry,
  MemoryStoredRaftLogs,
  type RaftConfig,
  type RaftView,
} from 'hamok';
import { typeOf } from './type-of';

interface Region extends Record<string, unknown> {
  region: string;
}

export function configure(): Hamok[] {
  const some: Partial<HamokConfig> = {
    peerId: 'a',
    heartbeatInMs: 50,
    onlyFollower: true,
    minPeers: 1,
    quorumLoss: 'wait',
  };
  const all: HamokConfig<Region> = {
    peerId: 'b',
    electionTimeoutInMs: 3000,
    followerMaxIdleInMs: 1000,
    heartbeatInMs: 100,
    onlyFollower: false,
    ongoingRequestsSendingPeriodInMs: 1000,
    logEntriesExpirationTimeInMs: 0,
    initialLogEntries: new Map<number, LogEntry>(),
    raftLogs: new MemoryStoredRaftLogs({ expirationTimeInMs: 0, memorySizeHighWaterMark: 0 }),
    remoteStorageStateWaitingTimeoutInMs: 1000,
    appData: { region: 'here' },
  };

  // @ts-expect-error in the full type the settings of the engine are required
  const incomplete: HamokConfig = { peerId: 'c' };

  return [new Hamok(), new Hamok({}), new Hamok(some), new Hamok(all) as unknown as Hamok, new Hamok(incomplete)];
}

export function refuseOptions(): void {
  // @ts-expect-error there is no such option
  new Hamok({ heartbeat: 100 });
  // @ts-expect-error a time is a number
  new Hamok({ electionTimeoutInMs: '3000' });
  // @ts-expect-error the application's object has another shape
  new Hamok<{ region: string }>({ appData: { zone: 'here' } });
  // @ts-expect-error there is no such way
  new Hamok({ quorumLoss: 'never' });
  // @ts-expect-error a log is no list
  new Hamok({ raftLogs: [] });
}

export function holdAppData(): void {
  const hamok = new Hamok<{ region: string }>({ appData: { region: 'here' } });
  const inferred = new Hamok({ appData: { region: 'here', rooms: [1] } });
  const untyped = new Hamok();

  typeOf(hamok.appData).is<{ region: string }>();
  typeOf(hamok.config.appData.region).is<string>();
  typeOf(hamok.config.remoteStorageStateWaitingTimeoutInMs).is<number>();
  typeOf(inferred.appData.rooms).is<number[]>();
  typeOf(untyped.appData).is<Record<string, unknown>>();
  hamok.appData.region = 'there';

  const shown: Readonly<HamokObjectConfig<{ region: string }>> = hamok.config;

  // @ts-expect-error there is no such property
  hamok.appData.zone;
  // @ts-expect-error the application's object stays the same one
  hamok.config.appData = { region: 'there' };
  // @ts-expect-error it is read-only
  shown.remoteStorageStateWaitingTimeoutInMs = 1;
}

export function show(hamok: Hamok): void {
  typeOf(hamok.localPeerId).is<string>();
  typeOf(hamok.remotePeerIds).is<ReadonlySet<string>>();
  typeOf(hamok.leader).is<boolean>();
  typeOf(hamok.state).is<HamokState>();
  typeOf(hamok.state).is<'follower' | 'candidate' | 'leader' | 'empty'>();
  typeOf(hamok.run).is<boolean>();
  typeOf(hamok.closed).is<boolean>();
  typeOf(hamok.grid).is<HamokGrid>();
  typeOf(hamok.grid.pendingRequests.size).is<number>();
  typeOf(hamok.grid.leaderId).is<string | undefined>();
  typeOf(hamok.grid.connected).is<boolean>();
  typeOf(hamok.raft).is<RaftView>();
  typeOf(hamok.raft.config).is<Readonly<RaftConfig>>();
  typeOf(hamok.raft.config.electionTimeoutInMs).is<number>();
  typeOf(hamok.raft.leaderId).is<string | undefined>();
  typeOf(hamok.raft.localPeerId).is<string>();
  typeOf(hamok.raft.remotePeers).is<ReadonlySet<string>>();
  typeOf(hamok.raft.state.stateName).is<HamokState>();
  typeOf(hamok.raft.props.currentTerm).is<number>();
  typeOf([...hamok.activeRemoteHeartbeats]).is<string[]>();
  typeOf([...hamok.storages.values()]).is<AnyCollection[]>();
  typeOf(hamok.storages.get('id')?.closed).is<boolean | undefined>();

  const { stats } = hamok;
  const figures: number[] = Object.values(stats);

  typeOf(stats.numberOfPendingRequests).is<number>();
  typeOf(stats.numberOfOngoingRequests).is<number>();
  typeOf(stats.numberOfPendingResponses).is<number>();
  typeOf(stats.numberOfRemotePeers).is<number>();
  typeOf(stats.raftLogsBytesInMemory).is<number>();
  typeOf(figures).is<number[]>();
}

export function doNotChange(hamok: Hamok): void {
  // @ts-expect-error the state is read-only
  hamok.state = 'leader';
  // @ts-expect-error so is the id
  hamok.localPeerId = 'b';
  // @ts-expect-error peers are added by addRemotePeerId()
  hamok.remotePeerIds.add('b');
  // @ts-expect-error the view is read-only
  hamok.raft.config.heartbeatInMs = 5;
  // @ts-expect-error the view is read-only
  hamok.raft.props.currentTerm = 5;
  // @ts-expect-error the log is not replaced
  hamok.raft.logs = new MemoryStoredRaftLogs({ expirationTimeInMs: 0, memorySizeHighWaterMark: 0 });
  // @ts-expect-error the grid is made with its peer
  new HamokGrid();
  // @ts-expect-error there is no such state
  hamok.state === 'joined';
  // @ts-expect-error there is no such figure
  hamok.stats.numberOfLeaders;
}

export async function comeAndGo(hamok: Hamok<{ region: string }>): Promise<void> {
  const params: HamokJoinProcessParams = { fetchRemotePeerTimeoutInMs: 5000, maxRetry: -1 };

  await hamok.join();
  await hamok.join({ maxRetry: 0 });
  typeOf(await hamok.join(params)).is<void>();
  typeOf((await hamok.ready).appData.region).is<string>();
  await hamok.waitUntilLeader();
  await hamok.waitUntilLeader(1000);
  typeOf(await hamok.waitUntilCommitHead()).is<void>();
  hamok.addRemotePeerId('b');
  hamok.removeRemotePeerId('b');
  hamok.broadcastEndpointNotification();
  typeOf(hamok.forceReform()).is<void>();
  typeOf(await hamok.leave()).is<void>();
  typeOf(hamok.close()).is<void>();

  // @ts-expect-error there is no such parameter
  await hamok.join({ retries: 3 });
  // @ts-expect-error the time is a number
  await hamok.waitUntilLeader({ timeoutInMs: 1000 });
}

export async function carry(hamok: Hamok, bytes: Uint8Array): Promise<void> {
  hamok.accept(HamokMessage.fromBinary(bytes));
  hamok.accept(new HamokMessage(), 5);
  typeOf(await hamok.submit(new HamokMessage({ storageId: 'mine' }))).is<void>();

  // @ts-expect-error what came as bytes has to be decoded
  hamok.accept(bytes);
  // @ts-expect-error a message is more than its fields
  await hamok.submit({ storageId: 'mine' });
}

export function decide(error: unknown): HamokErrorCode | undefined {
  if (!(error instanceof HamokError)) return undefined;

  const { code } = error;

  typeOf(error.message).is<string>();
  // @ts-expect-error there is no such code
  if (code === 'LATE') return undefined;
  // @ts-expect-error the code is read-only
  error.code = 'TIMEOUT';

  return code === 'TIMEOUT' || code === 'NO_LEADER' || code === 'NO_QUORUM' || code === 'CLOSED' ? code : undefined;
}
