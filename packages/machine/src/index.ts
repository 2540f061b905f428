export * from './api.ts';
export { codePage437 } from '@ringfence/devices';
export { builtInGuest } from './built-in-guest/program.ts';
export { teachingMeasurements } from './built-in-guest/teaching/tasks.ts';
export * from './error.ts';
export type { DescriptorRow, DescriptorTables, SegmentRow } from './inspector/descriptors.ts';
export type { CodeLine } from './inspector/guest-code.ts';
export { type TranslationEvent, translationLine } from '@ringfence/cpu';
export { type CallCount, callLine, type CallRecord } from '@ringfence/hypercall';
export type { Inspector, RegionDetails } from './inspector/inspector.ts';
export type { PageRow, ShadowEntry } from './inspector/pages.ts';
export type {
  CodeRange,
  KeptRegion,
  CompiledRegion,
  RecipeStore,
  RegionCompiler,
  RegionSummary,
} from '@ringfence/cpu';
export type { DebugConnection } from './debug/debugger.ts';
export type { DriveOptions, DriveStorage } from './board-storage.ts';
export { createMachine } from './machine.ts';
export { type Parameter, describedParameters, parseDescription } from './options/description.ts';
export * from './options/drives.ts';
export * from './options/machine-options.ts';
export * from './options/parse.ts';
export * from './options/settings.ts';
export * from './options/table.ts';
