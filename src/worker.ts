import 'reflect-metadata';
import { runProcess } from './process.js';

/** The jobs process: the same program, answering only its probes. */
process.env['PROCESS_ROLE'] ??= 'worker';
void runProcess();
