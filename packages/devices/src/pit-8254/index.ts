export { Pit8254, type Pit8254Options } from './device.ts';
export { pitHertz, pitPort, systemErrors } from './registers.ts';
