import 'reflect-metadata';
import { keepCompiledCode } from './compile-cache.js';

keepCompiledCode();
const { runProcess } = await import('./process.js');
void runProcess();
