export { ConsoleScript, type ConsoleScriptOptions, SHELL_PROMPT } from './console-script.ts';
export { type StartServices, start } from './start.ts';
