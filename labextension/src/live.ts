/**
 * When the model is asked to look again: at every event of the gateway's, when the person comes back to this page (from
 * the gateway's, most likely), and slowly as a fallback.
 */
import type { Event } from '@jupyterlab/services';
import { Poll } from '@lumino/polling';

import type { GovernModel } from './model';
import { EVENT_SCHEMA, type IGovernEvent } from './wire';

const IMPATIENT_MS = 3_000;
const WAITING_MS = 10_000;
const LONGEST_MS = 5 * 60_000;

/** The slow refresh; `everySeconds` may change at any time. */
export interface ILive {
  everySeconds: number;
}

/** Keep `model` up to date until the page is left. */
export function keepLive(model: GovernModel, events: Event.IManager): ILive {
  events.stream.connect((_, emission) => {
    if (emission.schema_id === EVENT_SCHEMA) {
      void model.heard(emission as unknown as IGovernEvent);
    }
  });
  const live = { everySeconds: 30 };
  const poll = new Poll({
    name: 'jupyter-govern:refresh',
    factory: () => model.refresh(),
    frequency: { interval: IMPATIENT_MS, backoff: true, max: LONGEST_MS },
    standby: 'when-hidden'
  });
  poll.ticked.connect(() => {
    const interval = pause(model, live);
    if (poll.frequency.interval !== interval) {
      poll.frequency = { ...poll.frequency, interval };
    }
  });
  window.addEventListener('focus', () => void model.refresh());
  return live;
}

/** A lost event is noticed sooner while somebody waits for something. */
function pause(model: GovernModel, live: ILive): number {
  if (model.subject === null) {
    return IMPATIENT_MS;
  }
  const slow = live.everySeconds * 1000;
  return model.approvals.value?.length ? Math.min(WAITING_MS, slow) : slow;
}
