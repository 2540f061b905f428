export { Pit8254, type Pit8254Options } from './device.ts';
export { pitHertz, pitPort } from './registers.ts';
