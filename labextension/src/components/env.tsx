/**
 * What every component may use: the model, the words, and the few things a panel can do. Deciding is not among them.
 */
import type { TranslationBundle } from '@jupyterlab/translation';
import * as React from 'react';

import type { GovernModel } from '../model';

export interface IEnv {
  model: GovernModel;
  trans: TranslationBundle;
  openPage: (url: string) => void;
  copy: (text: string) => void;
  showCell: (path: string, cellId: string) => void;
}

export const EnvContext = React.createContext<IEnv | null>(null);

export function useEnv(): IEnv {
  const env = React.useContext(EnvContext);
  if (env === null) {
    throw new Error('rendered outside EnvContext');
  }
  return env;
}

/** The model; the component renders anew whenever it changes. */
export function useModel(): GovernModel {
  const { model } = useEnv();
  const [, render] = React.useReducer((n: number) => n + 1, 0);
  React.useEffect(() => {
    model.changed.connect(render);
    render(); // for what changed between the first render and now
    return () => {
      model.changed.disconnect(render);
    };
  }, [model]);
  return model;
}

/** The time, each second while the component is shown. */
export function useNow(everyMs = 1000): number {
  const [now, setNow] = React.useState(Date.now());
  React.useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return now;
}

/** A start of something that takes time, and whether it is under way. */
export function useBusy(work: () => Promise<unknown>): [() => void, boolean] {
  const [busy, setBusy] = React.useState(false);
  const shown = React.useRef(true);
  React.useEffect(() => {
    shown.current = true;
    return () => {
      shown.current = false;
    };
  }, []);
  const start = (): void => {
    setBusy(true);
    work()
      .catch(reason => console.error('jupyter-govern:', reason))
      .finally(() => shown.current && setBusy(false));
  };
  return [start, busy];
}
