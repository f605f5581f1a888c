import 'reflect-metadata';
import { keepCompiledCode } from './platform/compile-cache.js';

keepCompiledCode();
const { runProcess } = await import('./process.js');
void runProcess();
