import { Controller, Get, Req, Res } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Request, Response } from 'express';
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
  read(@Req() request: Request, @Res({ passthrough: true }) response: Response): string | undefined {
    const { json, etag } = this.openapi.get();
    response.type('application/json').setHeader('ETag', etag).setHeader('Cache-Control', 'no-cache');
    if (request.headers['if-none-match'] !== etag) return json;
    response.status(304);
    return undefined;
  }
}
