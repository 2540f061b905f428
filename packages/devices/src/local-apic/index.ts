export type { DeliveryOptions, ExternalController } from './delivery.ts';
export { apicTimerHertz, LocalApic } from './device.ts';
export type { EoiAssist } from './eoi-assistance.ts';
export type { LocalApicOptions } from './options.ts';
export { deliveryMode, messageSignalled, type ApicBus, type ApicMessage } from './message.ts';
export { apicBase, apicMsr, apicRegister, localApicAddress } from './registers.ts';
export { leastPeriodNs, type TscSource } from './timer.ts';
