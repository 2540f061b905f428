export { Pic8259Pair, type Pic8259PairOptions } from './device.ts';
export { Pic8259Chip, spuriousInput } from './chip.ts';
export { elcrWritable, ocw2Command, picPort } from './registers.ts';
