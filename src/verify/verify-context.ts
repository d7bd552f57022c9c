import type { LimitFunction } from 'p-limit';
import type { Clock } from '../clock.ts';
import type { DatasetLayout } from '../dataset/layout.ts';
import type { Ledger } from '../dataset/ledger.ts';
import type { EventListener } from '../events.ts';
import type { Selection } from '../manifest/select.ts';
import type { HashPool } from '../hash/hash-pool.ts';
import type { Judge } from '../dataset/acceptance.ts';
import type { UnpackPool } from '../zip/unpack-pool.ts';
import type { ReadMeter } from './check-progress.ts';
import type { VerifyDepth } from './types.ts';

/** What the checks of a run share. */
export interface VerifyContext {
  readonly layout: DatasetLayout;
  readonly ledger: Ledger;
  readonly judge: Judge;
  readonly depth: VerifyDepth;
  /** What was asked for. */
  readonly selection: Selection;
  /** The command that brings back all images that are gone. */
  readonly bringBack: string;
  readonly deepChecks: LimitFunction;
  readonly hashPool: HashPool;
  readonly unpackPool: UnpackPool;
  readonly clock: Clock;
  readonly onEvent: EventListener;
  readonly signal: AbortSignal;
  readonly meter: ReadMeter;
}

/** What is found out of a file on the way: it stands also where the end is bad. */
export interface Findings {
  md5: string | null;
  membersChecked: number;
  badMembers: readonly string[];
}
