import 'reflect-metadata';
import { keepCompiledCode } from './platform/compile-cache.js';

/** The jobs process: the same program, answering only its probes. */
process.env['PROCESS_ROLE'] ??= 'worker';
keepCompiledCode();
const { runProcess } = await import('./process.js');
void runProcess();
