import { Injectable, type PipeTransform } from '@nestjs/common';
import { isId } from '../../core/ids.js';
import { notFound } from '../../core/problem.js';

/** A path's id. What is no UUID names nothing, so it is a 404, as an absent or foreign id is. */
@Injectable()
export class Uuid implements PipeTransform<string, string> {
  transform(value: string): string {
    if (!isId(value)) throw notFound('resource');
    return value.toLowerCase();
  }
}
