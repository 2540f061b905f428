export { FwCfg, type FwCfgOptions } from './device.ts';
export { itemNumber, itemText, type FwCfgFile } from './items.ts';
export { dmaControl, fwCfgKey, fwCfgPort } from './registers.ts';
