export { FwCfg, type FwCfgOptions } from './device.ts';
export { itemNumber, itemText, type FwCfgFile } from './items.ts';
export { fwCfgKey, fwCfgPort } from './registers.ts';
