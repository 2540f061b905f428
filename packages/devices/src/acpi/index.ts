export * as aml from './aml.ts';
export { AcpiPowerManagement, type AcpiPowerManagementOptions } from './device.ts';
export { type DsdtOptions } from './dsdt.ts';
export { acpiDisable, acpiEnable, apmPort, pmTimerHertz, sciIrq } from './registers.ts';
export {
  buildAcpiTables,
  checksum,
  type AcpiTables,
  type AcpiTablesOptions,
  type MadtOptions,
} from './tables.ts';
