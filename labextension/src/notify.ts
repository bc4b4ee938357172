/**
 * A notification for each new approval that the person may decide. Its button opens the gateway's page; nothing in here
 * decides.
 */
import { Notification } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { GovernModel } from './model';

const SHOWN_MS = 30_000;

export interface INotifyOptions {
  model: GovernModel;
  trans: TranslationBundle;
  isOn: () => boolean;
  openPage: (url: string) => void;
  showPanel: () => void;
}

/** Notify until the page is left. */
export function notifyArrivals(options: INotifyOptions): void {
  const { model, trans } = options;
  const shown = new Map<number, string>();
  model.arrived.connect((_, approval) => {
    if (!options.isOn()) {
      return;
    }
    const message = trans.__(
      'Approval #%1: %2 asks to run a statement on %3 (%4).',
      approval.number,
      approval.actor.subject,
      approval.target,
      approval.rule
    );
    const id = Notification.emit(message, 'warning', {
      autoClose: SHOWN_MS,
      actions: [
        {
          label: trans.__('Show'),
          caption: trans.__('Show it in the Govern panel'),
          callback: options.showPanel
        },
        {
          label: trans.__('Open decision page'),
          caption: trans.__('Open the gateway’s own page in a new tab'),
          displayType: 'accent',
          callback: () => options.openPage(approval.url)
        }
      ]
    });
    shown.set(approval.number, id);
  });
  model.settledNow.connect((_, approval) => {
    const id = shown.get(approval.number);
    if (id !== undefined) {
      shown.delete(approval.number);
      Notification.dismiss(id);
    }
  });
}
