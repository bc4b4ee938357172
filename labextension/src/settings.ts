/**
 * The person's settings (schema/plugin.json), with their defaults where there is no registry.
 */
import type { ISettingRegistry } from '@jupyterlab/settingregistry';

import { DEFAULT_SESSIONS_SHOWN } from './model';
import { PLUGIN_ID } from './tokens';

export interface ISettings {
  notifications: boolean;
  highlightCells: boolean;
  refreshSeconds: number;
  sessionsShown: number;
}

/** The settings, kept up to date in place; `changed` hears of them when they were read and whenever they change. */
export function readSettings(
  registry: ISettingRegistry | null,
  ready: Promise<unknown>,
  changed: (settings: ISettings) => void = () => undefined
): ISettings {
  const settings: ISettings = {
    notifications: true,
    highlightCells: true,
    refreshSeconds: 30,
    sessionsShown: DEFAULT_SESSIONS_SHOWN
  };
  const take = (loaded: ISettingRegistry.ISettings): void => {
    Object.assign(settings, loaded.composite);
    changed(settings);
  };
  if (registry !== null) {
    Promise.all([registry.load(PLUGIN_ID), ready])
      .then(([loaded]) => {
        loaded.changed.connect(take);
        take(loaded);
      })
      .catch(reason => console.warn('jupyter-govern: no settings:', reason));
  }
  return settings;
}
