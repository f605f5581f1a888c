import { Injectable } from '@nestjs/common';
import { prepared } from '../../platform/database/prepared.js';
import { Sql } from '../../platform/database/sql.js';
import type { Workflow } from './workflow.entity.js';
import type { WorkflowVersion } from './workflow-version.entity.js';

/** What a version says, and how long its text is. */
export type VersionContent = Pick<WorkflowVersion, 'graph' | 'input_schema' | 'parameters_schema' | 'form'> & { bytes: number };

export type WorkflowHead = Pick<Workflow, 'name' | 'version' | 'status' | 'is_template'>;

const HEAD = prepared('select name, version, status, is_template from workflows where tenant_id = $1 and id = $2');
const CONTENT = prepared('select graph, input_schema, parameters_schema, form, length(graph::text) as bytes from workflow_versions where tenant_id = $1 and workflow_id = $2 and version = $3');

/** Rows of workflows and of their versions. */
@Injectable()
export class WorkflowsRepository {
  constructor(private readonly sql: Sql) {}

  head(tenantId: string, id: string): Promise<WorkflowHead | undefined> {
    return this.sql.row<WorkflowHead>(HEAD, [tenantId, id]);
  }

  content(tenantId: string, workflowId: string, version: number): Promise<VersionContent | undefined> {
    return this.sql.row<VersionContent>(CONTENT, [tenantId, workflowId, version]);
  }
}
