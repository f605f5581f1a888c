import { Controller, Get, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Response } from 'express';
import { Operation } from '../http/operation.decorator.js';
import { OpenApiService } from './openapi.service.js';
import { OpenApiView } from './openapi.view.js';

@Controller()
@ApiTags('Operations / Documents')
export class OpenApiController {
  constructor(private readonly openapi: OpenApiService) {}

  /** This document. OpenAPI 3.1, with an ETag, for readers and for generators of clients. */
  @Get('openapi.json')
  @Operation({ id: 'getOpenApi', allow: 'public', returns: OpenApiView })
  read(@Res({ passthrough: true }) response: Response): string {
    const { json, etag } = this.openapi.get();
    response.type('application/json').setHeader('ETag', etag).setHeader('Cache-Control', 'no-cache');
    return json;
  }
}
