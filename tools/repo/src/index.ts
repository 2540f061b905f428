export { layerFault, layers } from './layers.ts';
export { README_OUTLINE, readmeFaults, usagePrograms } from './readme.ts';
