import 'reflect-metadata';
import { runProcess } from './process.js';

void runProcess();
