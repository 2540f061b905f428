export { settingsOfUrl } from './url-settings.ts';
